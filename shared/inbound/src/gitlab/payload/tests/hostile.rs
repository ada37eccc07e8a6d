//! Members of the wrong type, absurd sizes, and arbitrary JSON.

use proptest::prelude::*;

use super::*;
use crate::gitlab::payload::shape::ATTRIBUTES;

#[test]
fn member_of_wrong_type_keeps_event_readable() {
    let kept = ["id", "iid"];
    let names = ATTRIBUTES
        .fields
        .iter()
        .map(|(name, _)| format!("/object_attributes/{name}"));
    let names = names.chain(["/user", "/labels", "/changes", "/reviewers", "/changes/labels"].map(str::to_owned));
    for path in names.filter(|path| !kept.iter().any(|name| path == &format!("/object_attributes/{name}"))) {
        for value in [
            Value::Null,
            json!({}),
            json!([]),
            json!([[], []]),
            json!(1.5),
            json!(-1),
            json!("x"),
            json!(true),
        ] {
            let event = event(&with(&path, value.clone()));
            assert_eq!(event.mr_iid, MergeRequestIid(12), "{path} = {value}");
        }
    }
}

#[test]
fn event_without_merge_request_keeps_its_project() {
    let (main, not_an_id) = (Some(1201), "is not a positive integer");
    let cases = [
        ("/object_attributes", Value::Null, "is not an object", main),
        ("/object_attributes", json!([]), "is not an object", main),
        ("/object_attributes/iid", json!("12"), not_an_id, main),
        ("/object_attributes/iid", json!(0), not_an_id, main),
        ("/object_attributes/iid", json!(12.0), not_an_id, main),
        ("/object_attributes/iid", Value::Null, "is missing", main),
        ("/object_attributes/id", json!(u64::MAX), not_an_id, main),
        ("/project/id", json!("hunter2"), not_an_id, None),
    ];
    for (path, value, reason, id) in cases {
        let body = with(path, value);
        let expected = format!("{} {reason}", path.trim_start_matches('/').replace('/', "."));
        let classified = classify(body.to_string().as_bytes(), received());
        let Classified::Unexpected {
            object_kind, problem, ..
        } = &classified
        else {
            panic!("{classified:?}")
        };
        assert_eq!((object_kind.as_str(), problem), ("merge_request", &expected));
        assert_eq!(
            classified.project(),
            ProjectSeen {
                id: id.map(ProjectId),
                path: Some("platform/vault")
            }
        );
    }
    let mut nowhere = with("/project", json!([]));
    nowhere["object_attributes"]["target_project_id"] = Value::Null;
    let classified = classify(nowhere.to_string().as_bytes(), received());
    assert!(matches!(&classified, Classified::Unexpected { problem, .. } if problem == "project.id is missing"));
    assert_eq!(classified.project(), ProjectSeen::default());
}

#[test]
fn texts_and_lists_are_bounded_without_control_characters() {
    let mut body = with(
        "/object_attributes/title",
        json!(format!("a\u{0}b\n{}", "ß".repeat(2_000))),
    );
    body["object_attributes"]["url"] = json!("u".repeat(5_000));
    body["user"]["username"] = json!("m".repeat(5_000));
    body["labels"] = (0..4_000)
        .map(|n| json!({"id": n, "title": format!("{n:0300}")}))
        .collect();
    body["changes"]["labels"] = json!({"previous": [], "current": body["labels"]});
    body["reviewers"] = (1..300).map(|n| json!({"id": n})).collect();
    body["project"]["path_with_namespace"] = json!(format!("a{}", "\u{1f510}".repeat(1_000)));
    let event = event(&body);
    assert_eq!(event.project.path.len(), 509, "cut between characters");
    assert!(event.title.starts_with("a\u{fffd}b\u{fffd}ß"));
    assert_eq!(event.title.chars().count(), 500);
    assert_eq!(event.url.len(), 1_000);
    assert_eq!(event.actor.as_ref().unwrap().username.len(), 255);
    assert!(event.labels.iter().all(|label| label.len() == 255));
    assert_eq!(event.reviewers.len(), 100);
    let size = serde_json::to_string(&event).unwrap().len();
    assert!(
        size < 400_000,
        "{size} bytes must fit into one queue message with room to spare"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(Value::from("merge_request")),
    ];
    let name = prop_oneof![
        "[a-z]{1,6}",
        proptest::sample::select(vec![
            "object_kind",
            "object_attributes",
            "project",
            "id",
            "iid",
            "labels",
            "changes",
            "previous",
            "current",
            "user",
            "title"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_panics(body in any_json()) {
        let _ = classify(body.to_string().as_bytes(), received());
    }

    #[test]
    fn no_member_of_an_event_panics(value in any_json(), at in any::<prop::sample::Index>()) {
        let (name, _) = at.get(ATTRIBUTES.fields);
        let classified = classify(with(&format!("/object_attributes/{name}"), value.clone()).to_string().as_bytes(), received());
        let _ = classified.project();
        let (name, _) = at.get(BODY.fields);
        let _ = classify(with(&format!("/{name}"), value).to_string().as_bytes(), received());
    }
}
