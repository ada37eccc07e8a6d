//! The notifier at Linear, Jira, Confluence and Slack: the targets' state after a merge.

use super::env::{KINDS, by_kind, labelled};
use super::evidence::labelled_after_the_merge;
use crate::env::{ALICE, AUTHOR, TestEnv, at};

#[tokio::test]
async fn an_approved_merge_closes_the_loop_everywhere_once() {
    let env = TestEnv::with_connectors().await;
    let effects = env.approved(1).await;
    let notifier = env.function("notifier").await;
    for _ in 0..2 {
        for kind in KINDS {
            env.attempt(&notifier, &effects[kind]).await;
        }
    }
    let external = async |kind: &str| {
        let row = env.effect_row(effects[kind].id).await;
        assert_eq!((row.state.as_str(), row.attempts), ("done", 1), "{kind}: {row:?}");
        row.external_id.unwrap()
    };
    // 1. Linear and Jira: closed and marked.
    assert_eq!(external("linear_issue").await, "ENG-123");
    let issue = env.linear().issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!((issue.comments.len(), issue.attachments.len()), (1, 1));

    assert_eq!(external("jira_issue").await, "PAY-7");
    let issue = env.jira().issue("PAY-7").unwrap();
    assert_eq!(
        (issue.status.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!((issue.comments.len(), issue.remote_links.len()), (1, 1));

    // 2. Confluence: one row.
    let (id, page) = env.confluence().page_titled("Security review audit").unwrap();
    assert_eq!(external("confluence_row").await, format!("{id}@1"));
    assert_eq!(env.confluence_rows(), 1);
    for part in [
        "group/project-77!1</a>",
        "Merged with the security team&apos;s approval.",
        "sec-alice (id 501)",
        "sha256:",
    ] {
        assert!(page.body.contains(part), "{part} is missing in {}", page.body);
    }

    // 3. Slack: one confirmation.
    let [confirmation] = &env.confirmations()[..] else {
        panic!("expected one confirmation")
    };
    assert_eq!(external("slack_pod_confirmation").await, confirmation.ts.to_string());
    assert!(
        confirmation
            .text
            .starts_with("Security review recorded: Rotate the signing keys"),
        "{}",
        confirmation.text
    );
}

#[tokio::test]
async fn exception_leaves_issues_open_and_is_reported_everywhere() {
    let env = TestEnv::with_connectors().await;
    let effects = env.unapproved(1).await;
    let notifier = env.function("notifier").await;
    for kind in KINDS {
        assert_eq!(env.attempt(&notifier, &effects[kind]).await.state, "done", "{kind}");
    }
    let issue = env.linear().issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("In Progress", vec!["audit-exception".to_owned(), "backend".to_owned()])
    );
    let issue = env.jira().issue("PAY-7").unwrap();
    assert_eq!(
        (issue.status.as_str(), issue.labels),
        ("In Progress", vec!["audit-exception".to_owned(), "backend".to_owned()])
    );
    let page = env.confluence().page_titled("Security review audit").unwrap().1;
    assert!(page.body.contains("No approval was given."), "{}", page.body);
    assert!(env.confirmations()[0].text.contains("recorded as an exception"));
}

#[tokio::test]
async fn merge_request_without_issue_is_done_without_error() {
    let env = TestEnv::with_connectors().await;
    let mr = labelled(1);
    env.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let effects = env.merge(&mr).await;
    let notifier = env.function("notifier").await;
    for kind in ["linear_issue", "jira_issue"] {
        let row = env.attempt(&notifier, &effects[kind]).await;
        assert_eq!(
            (row.state.as_str(), row.external_id.as_deref()),
            ("done", Some("no_tracking_issue")),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_later_decision_corrects_earlier_reports() {
    let env = TestEnv::with_connectors().await;
    let notifier = env.function("notifier").await;
    // An older GitLab: only the delivery has the approval's time, and it arrives late.
    env.gitlab().patch(serde_json::json!({"old_gitlab": true})).unwrap();
    let mr = labelled(2);
    env.shown(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let wrong = env.merge(&mr).await;
    for kind in KINDS {
        assert_eq!(env.attempt(&notifier, &wrong[kind]).await.state, "done", "{kind}");
    }
    assert_eq!(
        env.linear().issue("ENG-123").unwrap().labels,
        ["audit-exception", "backend"]
    );
    let right = by_kind(env.deliver(&mr.event("approved", ALICE, at("10:00:00"))).await.effects);
    for kind in KINDS {
        let row = env.attempt(&notifier, &right[kind]).await;
        assert_eq!((row.state.as_str(), row.attempts), ("done", 1), "{kind}: {row:?}");
    }
    let issue = env.linear().issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels, issue.comments.len()),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()], 2)
    );
    assert_eq!(env.jira().issue("PAY-7").unwrap().status, "Done");
    assert_eq!(env.confluence_rows(), 1);
    let body = env.confluence().page_titled("Security review audit").unwrap().1.body;
    assert_eq!(body.matches("Corrected on ").count(), 1);
    let last = env.confirmations().pop().unwrap();
    assert!(last.text.starts_with("Security review corrected: "), "{}", last.text);
}

#[tokio::test]
async fn open_exception_of_another_merge_keeps_issue_open() {
    let env = TestEnv::with_connectors().await;
    let notifier = env.function("notifier").await;
    let (exception, approved) = (env.unapproved(1).await, env.approved(2).await);
    for effects in [&exception, &approved] {
        for kind in ["linear_issue", "jira_issue"] {
            assert_eq!(env.attempt(&notifier, &effects[kind]).await.state, "done", "{kind}");
        }
    }
    let issue = env.linear().issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels, issue.comments.len()),
        (
            "In Progress",
            vec!["audit-exception".to_owned(), "backend".to_owned()],
            2
        )
    );
    assert_eq!(env.jira().issue("PAY-7").unwrap().status, "In Progress");

    // Once the exception is handled, it no longer blocks the issue.
    let dealt_with = "UPDATE security_review_exceptions SET status = 'closed'";
    env.as_owner(dealt_with).await;
    let next = env.approved(3).await;
    env.attempt(&notifier, &next["linear_issue"]).await;
    assert_eq!(env.linear().issue("ENG-123").unwrap().state, "Done");
}

/// Nor is it marked as audited at any target, even if effects had begun.
#[tokio::test]
async fn merge_found_unlabelled_closes_no_issue() {
    for is_begun in [false, true] {
        let env = TestEnv::with_connectors().await;
        let notifier = env.function("notifier").await;
        let mr = labelled(1);
        let path = serde_json::json!({"projects": {"77": {"path_with_namespace": mr.path()}}});
        env.gitlab().patch(path).unwrap();
        // GitLab does not show it: the delivery's label counts, and the title names the issue.
        let mut merge = mr.event("merge", AUTHOR, at("12:00:00"));
        merge["object_attributes"]["title"] = "ENG-123 PAY-7 rotate".into();
        let first = by_kind(env.deliver(&merge).await.effects);
        if is_begun {
            for kind in KINDS {
                assert_eq!(env.attempt(&notifier, &first[kind]).await.state, "done", "{kind}");
            }
            assert_eq!(
                env.linear().issue("ENG-123").unwrap().labels,
                ["audit-exception", "backend"]
            );
        }
        let report = labelled_after_the_merge(&env, &mr).await;
        assert_eq!(report.outcome.as_str(), "not_carried");
        let mut second = by_kind(report.effects);
        second.remove("slack_exception_update");
        if !is_begun {
            assert!(second.is_empty(), "expected no further effect: {second:?}");
            assert_eq!(env.effect_row(first["linear_issue"].id).await.state, "superseded");
            continue;
        }
        for kind in KINDS {
            assert_eq!(env.attempt(&notifier, &second[kind]).await.state, "done", "{kind}");
        }
        let issue = env.linear().issue("ENG-123").unwrap();
        assert_eq!(
            (issue.state.as_str(), issue.labels),
            ("In Progress", vec!["backend".to_owned()])
        );
        assert_eq!(env.jira().issue("PAY-7").unwrap().labels, ["backend"]);
        let body = env.confluence().page_titled("Security review audit").unwrap().1.body;
        assert!(body.contains("No matching security label"), "{body}");
    }
}
