//! Deliveries of unusual shape: nothing is quarantined, and the merge is decided.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::fixtures::{IVO, LEDGER, hook, kind, mr, quarantined, row, shows};
use crate::env::{ALICE, HIGH, TestEnv};

/// A receiver failed on `state: merged` without an `action`.
#[tokio::test]
async fn a_merge_without_action_waits_for_gitlab() {
    let env = TestEnv::with_evaluator().await;
    for (iid, action) in [(1, None), (2, Some(Value::Null)), (3, Some(json!("")))] {
        let mr = mr(iid, HIGH);
        shows(&env, &mr, |_| ());
        let merge = hook(&mr, "merge", IVO, "12:00:00");
        let mut replayed = merge.clone();
        let attributes = replayed["object_attributes"].as_object_mut().unwrap();
        attributes.remove("action");
        attributes.extend(action.map(|action| ("action".to_owned(), action)));
        replayed["changes"] = json!({});

        assert_eq!(env.deliver(&replayed).await.outcome.as_str(), "pending", "{iid}");
        assert_eq!(quarantined(&env).await, 0);
        assert_eq!(env.count("security_review_decisions WHERE true", &mr).await, 0);
        assert_eq!(env.count("security_review_ledger WHERE true", &mr).await, 0);
        assert_eq!(env.count("security_review_unjudged WHERE true", &mr).await, 1);
        env.clock.pass(SignedDuration::from_secs(61));
        assert_eq!(env.maintain().await, ["exception"], "{iid}");
        for later in [&merge, &replayed] {
            assert_eq!(env.deliver(later).await.effects, []);
            assert_eq!(kind(&env, &mr).await.as_deref(), Some("no_approval"));
            assert_eq!(env.count("security_review_decisions WHERE true", &mr).await, 1);
            assert_eq!(
                row(&env, "effects", &mr).await["kind"],
                "slack_exception_alert",
                "{iid}"
            );
        }
    }
}

/// Typed clients failed on `merge_params` with a boolean and an object.
#[tokio::test]
async fn a_merge_train_keeps_its_method() {
    let env = TestEnv::with_evaluator().await;
    let mr = mr(1, HIGH);
    shows(&env, &mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
        shown.set("auto_merge_strategy", "merge_train");
        shown.set("merge_when_pipeline_succeeds", true);
    });
    let mut merge = hook(&mr, "merge", IVO, "12:00:00");
    merge["object_attributes"]["merge_when_pipeline_succeeds"] = json!(true);
    merge["object_attributes"]["merge_params"] = json!({
        "auto_merge_strategy": "merge_train", "should_remove_source_branch": true, "sha": mr.head,
        "train_ref": {"commit_sha": "a4".repeat(20), "merge_commit_sha": "a4".repeat(20), "squash_commit_sha": null},
    });
    assert_eq!(env.deliver(&merge).await.outcome.as_str(), "approved");
    let ledger = row(&env, "security_review_ledger", &mr).await;
    assert_eq!(
        (&ledger["merge_method"], &ledger["proof"]),
        (&json!("merge_train"), &json!("api"))
    );
    assert_eq!(env.exception(&mr).await, None);
    assert_eq!(quarantined(&env).await, 0);
}

/// System hooks name a user and a project without their ids; receivers crashed or dropped the event.
#[tokio::test]
async fn a_system_hook_names_no_ids() {
    let env = TestEnv::with_evaluator().await;
    for (iid, event_name) in [(1, Some("merge_request")), (2, None)] {
        let mr = mr(iid, &["Sec/Critical"]);
        shows(&env, &mr, |_| ());
        let mut merge = hook(&mr, "merge", IVO, "12:00:00");
        let nested = ["source", "target"].map(|name| format!("/object_attributes/{name}"));
        for place in ["/user", "/project"]
            .into_iter()
            .chain(nested.iter().map(String::as_str))
        {
            let named = merge.pointer_mut(place).unwrap().as_object_mut().unwrap();
            assert!(named.remove("id").is_some(), "{place}");
        }
        if let Some(name) = event_name {
            merge["event_name"] = json!(name);
        }
        assert_eq!(env.deliver(&merge).await.outcome.as_str(), "exception", "{iid}");
        let exception = row(&env, "security_review_exceptions", &mr).await;
        for (field, expected) in [
            ("kind", json!("no_approval")),
            ("risk_tier", json!("critical")),
            ("project_id", json!(LEDGER)),
            ("merged_by_id", json!(IVO)),
            ("merged_by_username", json!("ivo")),
        ] {
            assert_eq!(exception[field], expected, "{field}");
        }
        let event = row(&env, "merge_request_events", &mr).await;
        assert_eq!(event["actor_id"], Value::Null, "none is invented");
    }
}

/// The contributor's fork was deleted; requests by the source project failed.
#[tokio::test]
async fn a_deleted_fork_is_never_asked_for() {
    let env = TestEnv::with_evaluator().await;
    for (iid, source) in [(1, Value::Null), (2, json!(99_881))] {
        let mr = mr(iid, &["sec/critical"]);
        shows(&env, &mr, |shown| {
            shown.set("source_project_id", source.clone());
        });
        let mut merge = hook(&mr, "merge", IVO, "12:00:00");
        merge["object_attributes"]["source"] = Value::Null;
        merge["object_attributes"]["source_project_id"] = source;
        assert_eq!(env.deliver(&merge).await.outcome.as_str(), "exception", "{iid}");
        let exception = row(&env, "security_review_exceptions", &mr).await;
        for (field, expected) in [
            ("kind", json!("no_approval")),
            ("risk_tier", json!("critical")),
            ("project_id", json!(LEDGER)),
        ] {
            assert_eq!(exception[field], expected, "{field}");
        }
    }
    let requests = env.gitlab().requests();
    let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    let of_target = |path: &&&str| path.starts_with("/api/v4/projects/4411/merge_requests/");
    let of_projects = |path: &&&str| path.contains("/projects/");
    assert_eq!(
        paths.iter().filter(of_projects).count(),
        paths.iter().filter(of_target).count(),
        "{paths:?}"
    );
    assert!(paths.iter().any(|path| path.contains("/versions")), "{paths:?}");
}
