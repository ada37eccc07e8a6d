use serde_json::{Value, json};

use super::*;

fn parse_arguments(arguments: Value) -> Option<Arguments> {
    serde_json::from_value(arguments).ok()
}

#[test]
fn an_argument_of_a_newer_version_is_rejected() {
    let key = json!({"instance": "main", "project_id": 7301, "mr_iid": 811});
    let one = parse_arguments(json!({"merge_request": key})).unwrap();
    assert_eq!(one.merge_request.unwrap().to_string(), "main/7301!811");
    let all = parse_arguments(json!({"unconfirmed": true, "since": null})).unwrap();
    assert!(all.unconfirmed && all.since.is_none());
    let since = parse_arguments(json!({"unconfirmed": true, "since": "2026-11-23T00:00:00Z"})).unwrap();
    assert_eq!(since.since, "2026-11-23T00:00:00Z".parse().ok());
    for arguments in [
        json!({"merge_request": key, "and_children": true}),
        json!({"merge_request": "main/7301!811"}),
        json!({"unconfirmed": true, "since": "yesterday"}),
        json!(["main/7301!811"]),
        json!(null),
    ] {
        assert!(parse_arguments(arguments.clone()).is_none(), "{arguments}");
    }
}

#[test]
fn the_exit_code_follows_from_what_was_read() {
    for (read, nothing_to_read, failed, expected) in [
        (0, 0, 0, exit::NOTHING),
        (0, 3, 0, exit::NOTHING),
        (2, 1, 0, exit::DONE),
        (2, 0, 1, exit::DONE),
        (0, 2, 1, exit::DATABASE),
    ] {
        let progress = Progress {
            read,
            nothing_to_read,
            failed,
            ..Progress::default()
        };
        let Executed::Finished { exit_code, .. } = progress.finished() else {
            panic!("not finished");
        };
        assert_eq!(exit_code, expected, "{read} {nothing_to_read} {failed}");
    }
}

#[test]
fn a_later_run_continues_where_one_stopped() {
    let progress = Progress {
        read: 2,
        outcomes: [("approved".to_owned(), 2)].into(),
        after: parse_arguments(json!({"merge_request": {"instance": "main", "project_id": 77, "mr_iid": 1}}))
            .and_then(|arguments| arguments.merge_request),
        waits: Some("the next run continues".to_owned()),
        ..Progress::default()
    };
    assert_eq!(serde_json::from_value::<Progress>(json!(progress)).unwrap(), progress);
}

/// Rows outlive the release that wrote them: `countersign` shows these names, and a later run reads them.
#[test]
fn a_stored_result_keeps_its_names() {
    let key = json!({"instance": "main", "project_id": 7301, "mr_iid": 811});
    let full = json!({
        "read": 3, "outcomes": {"approved": 2, "exception": 1}, "nothing_to_read": 4, "failed": 1,
        "errors": ["main/7301!811: the database"], "after": key, "waits": "the next run continues",
    });
    let sparse = json!({"read": 0, "outcomes": {}, "nothing_to_read": 0, "failed": 0});
    for stored in [full, sparse] {
        let progress: Progress = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(json!(progress), stored);
    }
    let written = Progress {
        read: 3,
        outcomes: [("approved".to_owned(), 3)].into(),
        errors: vec!["x".to_owned()],
        ..Progress::default()
    };
    let stored = json!({"read": 3, "outcomes": {"approved": 3}, "nothing_to_read": 0, "failed": 0, "errors": ["x"]});
    assert_eq!(json!(written), stored);
    assert_eq!(
        json!(Progress::default()),
        json!({"read": 0, "outcomes": {}, "nothing_to_read": 0, "failed": 0})
    );
}
