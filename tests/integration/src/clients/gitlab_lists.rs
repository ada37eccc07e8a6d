//! Paged lists, and who counts as a member.

use audit::FailureClass;
use clients::Advice;
use doubles::Stub;
use doubles::gitlab::Member;
use model::UserId;
use rules::ApproverGroup;
use serde_json::json;

use super::env::{GitLabEnv, context, group, key, path};

#[tokio::test]
async fn list_of_250_is_read_completely() {
    for omit_totals in [false, true] {
        let env = GitLabEnv::open().await;
        env.double.world(|world| {
            world.omit_totals = omit_totals;
            for user in 1000..1248 {
                world.member(4242, user, 30);
            }
        });
        let members = env.client.members(&context(), "main", &group()).await.unwrap();
        assert_eq!(members.len(), 250, "248 and two of the first world");
        // 252 rows including those that do not count: three pages of a hundred.
        assert_eq!(env.entries().len(), 3);
    }
}

#[tokio::test]
async fn without_page_numbers_the_link_is_followed() {
    let env = GitLabEnv::open().await;
    let events = path("/resource_label_events");
    let event = |label: &str| json!([{"action": "add", "created_at": "2026-03-01T09:00:00.000Z", "label": {"name": label}, "user": null}]);
    let next = format!("<{}{events}?cursor=second>; rel=\"next\"", env.double.url());
    env.double
        .stub(Stub::answering("GET", &events, 200, event("first")).header("link", next))
        .unwrap();
    env.double
        .stub(Stub::answering(
            "GET",
            &format!("{events}?cursor=second"),
            200,
            event("second"),
        ))
        .unwrap();
    let read = env.client.label_events(&context(), &key()).await.unwrap();
    let labels: Vec<_> = read
        .known()
        .unwrap()
        .iter()
        .filter_map(|event| event.label.as_deref())
        .collect();
    assert_eq!(labels, ["first", "second"]);
    assert_eq!(env.entries().len(), 2);
}

#[tokio::test]
async fn next_page_on_another_host_is_not_fetched() {
    let (env, other) = (GitLabEnv::open().await, GitLabEnv::open().await);
    let link = format!(
        "<{}/api/v4/groups/4242/members?page=2>; rel=\"next\"",
        other.double.url()
    );
    let stub = Stub::answering("GET", "/api/v4/groups/4242/members", 200, json!([])).header("link", link);
    env.double.stub(stub).unwrap();
    let error = env.client.members(&context(), "main", &group()).await.unwrap_err();
    assert_eq!(
        (error.class, error.advice),
        (FailureClass::InvalidResponse, Advice::Permanent)
    );
    assert_eq!((env.entries().len(), other.double.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let env = GitLabEnv::open().await;
    let stub = Stub::answering("GET", "/api/v4/groups/4242/members", 200, json!([])).header("x-next-page", 2);
    env.double.stub(stub).unwrap();
    let error = env.client.members(&context(), "main", &group()).await.unwrap_err();
    assert_eq!(error.class, FailureClass::InvalidResponse);
    assert_eq!(env.entries().len(), 100);
}

#[tokio::test]
async fn only_active_unexpired_members_of_sufficient_level_count() {
    let env = GitLabEnv::open().await;
    env.double.world(|world| {
        let group = world.groups.get_mut(&4242).unwrap();
        let member = |access_level, expires_at: Option<&str>| Member {
            access_level,
            expires_at: expires_at.map(str::to_owned),
        };
        group.members.insert(510, member(30, Some("2026-03-03")));
        group.members.insert(511, member(30, Some("2026-03-02")));
        group.inherited.insert(520, member(50, None));
        world.user(510, "sec-dora");
        world.user(511, "sec-erik");
        world.user(520, "sec-faye");
    });
    let direct = [501, 502, 510].map(UserId).into();
    assert_eq!(env.client.members(&context(), "main", &group()).await.unwrap(), direct);
    let inherited = ApproverGroup {
        include_inherited: true,
        ..group()
    };
    let all = [501, 502, 510, 520].map(UserId).into();
    assert_eq!(env.client.members(&context(), "main", &inherited).await.unwrap(), all);
    let owners = ApproverGroup {
        minimum_access_level: 50,
        ..inherited
    };
    assert_eq!(
        env.client.members(&context(), "main", &owners).await.unwrap(),
        [UserId(520)].into()
    );
}

#[tokio::test]
async fn withheld_group_is_reported_as_not_found() {
    let env = GitLabEnv::open().await;
    let gone = ApproverGroup { id: 4243, ..group() };
    let error = env.client.members(&context(), "main", &gone).await.unwrap_err();
    assert!(error.is_withheld() && error.is_not_found());
    assert_eq!(
        env.entries()[0]["target"],
        json!({"resource_type": "group", "instance": "main", "id": "4243"})
    );
}
