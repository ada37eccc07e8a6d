//! Labels in every format, and their changes.

use super::*;

#[test]
fn labels_come_as_objects_or_strings_each_once() {
    let cases = [
        (
            json!([{"id": 1, "title": "a"}, {"id": 2, "name": "b"}, "c", null, 5, {}, {"title": ""}, {"title": "a"}]),
            json!(["c", "d"]),
            vec!["a", "b", "c", "d"],
        ),
        (
            json!([{"id": 1, "title": "a"}, {"id": 2, "title": "a"}]),
            json!([{"id": 2, "title": "a"}, {"id": 1, "title": "a"}, "a"]),
            vec!["a", "a"],
        ),
        (json!({}), json!(null), vec![]),
        (json!(null), json!([{"title": "only nested"}]), vec!["only nested"]),
        (json!([]), json!([]), vec![]),
    ];
    for (top, nested, expected) in cases {
        let mut body = with("/labels", top);
        body["object_attributes"]["labels"] = nested;
        assert_eq!(event(&body).labels, expected);
    }
}

#[test]
fn label_changes_match_by_id_then_by_title() {
    let security = json!({"id": 5, "title": "security::high"});
    let renamed = json!({"id": 5, "title": "security::critical"});
    let docs = json!({"id": 6, "title": "docs"});
    let cases = [
        (
            json!({"previous": [], "current": [security]}),
            vec!["security::high"],
            vec![],
        ),
        (
            json!({"previous": [security, docs], "current": [docs]}),
            vec![],
            vec!["security::high"],
        ),
        (
            json!({"previous": [security], "current": [docs]}),
            vec!["docs"],
            vec!["security::high"],
        ),
        (json!({"previous": [security], "current": [renamed]}), vec![], vec![]),
        (
            json!({"previous": ["a", "b"], "current": ["b", "c"]}),
            vec!["c"],
            vec!["a"],
        ),
        (json!([[security], [docs]]), vec!["docs"], vec!["security::high"]),
        (json!({"previous": null, "current": [docs]}), vec!["docs"], vec![]),
        (json!({"current": "docs"}), vec![], vec![]),
        (json!([]), vec![], vec![]),
        (json!("x"), vec![], vec![]),
        (Value::Null, vec![], vec![]),
    ];
    for (change, added, removed) in cases {
        let event = event(&with("/changes/labels", change.clone()));
        assert_eq!(
            (event.labels_added, event.labels_removed),
            (added_as(&added), added_as(&removed)),
            "{change}"
        );
    }
}

fn added_as(titles: &[&str]) -> Vec<String> {
    titles.iter().map(|&title| title.to_owned()).collect()
}

#[test]
fn security_label_is_found_among_1000_others() {
    let mut labels: Vec<_> = (0..1_000)
        .map(|n| json!({"id": n, "title": format!("area-{n}")}))
        .collect();
    labels.push(json!({"id": 5_000, "title": "security::high"}));
    assert!(
        event(&with("/labels", labels.into()))
            .labels
            .iter()
            .any(|label| label == "security::high")
    );
}

/// Labels whose titles exceed the limit, of the maximum length that GitLab allows in bytes.
fn padding(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| json!({"id": n, "title": format!("{n:04}{}", "\u{1f510}".repeat(251))}))
        .collect()
}

#[test]
fn a_cut_list_says_so() {
    let long = padding(70);
    let many: Vec<_> = (0..6_000).map(|n| json!({"id": n, "title": "a"})).collect();
    let short = json!([{"id": 1, "title": "a"}]);
    let cases = [
        ("/labels", short.clone(), false),
        ("/labels", long.clone().into(), true),
        ("/labels", many.clone().into(), true),
        ("/object_attributes/labels", long.clone().into(), true),
        ("/changes/labels", json!({"previous": [], "current": long}), true),
        ("/changes/labels", json!({"previous": long, "current": []}), true),
        ("/changes/labels", json!({"previous": many, "current": short}), true),
        ("/changes/labels", json!({"previous": long, "current": long}), false),
    ];
    for (path, value, truncated) in cases {
        assert_eq!(event(&with(path, value)).labels_truncated, truncated, "{path}");
    }
}

#[test]
fn a_long_title_hides_no_shorter_one() {
    let mut labels = padding(70);
    labels.push(json!({"id": 5_000, "title": "security::high"}));
    let event = event(&with("/labels", labels.into()));
    assert!(event.labels.iter().any(|label| label == "security::high"));
    assert!(event.labels_truncated);
}
