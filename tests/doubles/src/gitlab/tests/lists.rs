//! Lists: their pages, and the inherited members of a group.

use serde_json::json;

use super::{get, ids};
use crate::gitlab::start;
use crate::loopback::Reply;

#[tokio::test]
async fn lists_are_paged_with_headers_and_links() {
    let gitlab = start().await;
    gitlab.world(|world| (1000..1041).for_each(|user| world.member(9, user, 30)));
    let page = |query: &str| get(&gitlab, &format!("groups/9/members{query}"));
    let header = |reply: &Reply, name: &str| reply.header(name).unwrap_or("absent").to_owned();
    let first = page("");
    assert_eq!(ids(&first).len(), 20);
    for (name, value) in [
        ("x-page", "1"),
        ("x-per-page", "20"),
        ("x-next-page", "2"),
        ("x-prev-page", ""),
        ("x-total", "41"),
        ("x-total-pages", "3"),
    ] {
        assert_eq!(header(&first, name), value, "{name}");
    }
    let url = gitlab.url();
    let link = |n: u8, relation: &str| {
        format!("<{url}/api/v4/groups/9/members?query=a+b&page={n}&per_page=20>; rel=\"{relation}\"")
    };
    let second = page("?page=2&per_page=20&query=a+b");
    assert_eq!(
        header(&second, "link"),
        [link(1, "prev"), link(3, "next"), link(1, "first"), link(3, "last")].join(", ")
    );
    let last = page("?page=3");
    assert_eq!((ids(&last), header(&last, "x-next-page")), (vec![1040], String::new()));
    assert!(!header(&last, "link").contains("rel=\"next\""));
    assert_eq!(page("?page=4").json(), json!([]));
    assert_eq!(header(&page("?per_page=500"), "x-per-page"), "100");
    for query in ["?page=x", "?page=0", "?per_page=-1"] {
        assert_eq!(page(query).status, 400, "{query}");
    }
    gitlab.world(|world| world.omit_totals = true);
    let without = page("");
    assert_eq!(
        (without.header("x-total"), without.header("x-total-pages")),
        (None, None)
    );
    assert!(!header(&without, "link").contains("rel=\"last\""));
}

#[tokio::test]
async fn inherited_members_appear_under_all_only_and_once() {
    let gitlab = start().await;
    let group = json!({"members": {"501": {"access_level": 10}}, "inherited": {"501": {"access_level": 40}, "700": {"access_level": 50}}});
    gitlab.patch(json!({"groups": {"9": group}})).unwrap();
    assert_eq!(ids(&get(&gitlab, "groups/9/members")), [501]);
    let all = get(&gitlab, "groups/9/members/all").json();
    let levels: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (&member["id"], &member["access_level"]))
        .collect();
    assert_eq!(levels, [(&json!(501), &json!(40)), (&json!(700), &json!(50))]);
}
