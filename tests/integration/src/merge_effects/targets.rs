//! The notifier at Linear, Jira, Confluence and Slack: the targets' state after a merge.

use super::evidence::labelled_after_the_merge;
use super::stand::{Archive, KINDS, by_kind, labelled};
use crate::evaluation::world::{ALICE, AUTHOR, at};

#[tokio::test]
async fn an_approved_merge_closes_the_loop_everywhere_once() {
    let archive = Archive::new().await;
    let effects = archive.approved(1).await;
    let notifier = archive.notifier().await;
    for _ in 0..2 {
        for kind in KINDS {
            archive.attempt(&notifier, &effects[kind]).await;
        }
    }
    let external = async |kind: &str| {
        let row = archive.stand.row(effects[kind].id).await;
        assert_eq!((row.state.as_str(), row.attempts), ("done", 1), "{kind}: {row:?}");
        row.external_id.unwrap()
    };
    // 1. Linear and Jira: closed and marked.
    assert_eq!(external("linear_issue").await, "ENG-123");
    let issue = archive.linear.issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!((issue.comments.len(), issue.attachments.len()), (1, 1));

    assert_eq!(external("jira_issue").await, "PAY-7");
    let issue = archive.jira.issue("PAY-7").unwrap();
    assert_eq!(
        (issue.status.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!((issue.comments.len(), issue.remote_links.len()), (1, 1));

    // 2. Confluence: one row.
    let (id, page) = archive.confluence.page_titled("Security review audit").unwrap();
    assert_eq!(external("confluence_row").await, format!("{id}@1"));
    assert_eq!(archive.rows(), 1);
    for part in [
        "group/project-77!1</a>",
        "Merged with the security team&apos;s approval.",
        "sec-alice (id 501)",
        "sha256:",
    ] {
        assert!(page.body.contains(part), "{part} is missing in {}", page.body);
    }

    // 3. Slack: one confirmation.
    let [confirmation] = &archive.confirmations()[..] else {
        panic!("expected one confirmation")
    };
    assert_eq!(external("slack_pod_confirmation").await, confirmation.ts.to_string());
    assert!(
        confirmation
            .text
            .starts_with("Security review archived: Rotate the signing keys"),
        "{}",
        confirmation.text
    );
}

#[tokio::test]
async fn exception_leaves_issues_open_and_is_reported_everywhere() {
    let archive = Archive::new().await;
    let effects = archive.unapproved(1).await;
    let notifier = archive.notifier().await;
    for kind in KINDS {
        assert_eq!(archive.attempt(&notifier, &effects[kind]).await.state, "done", "{kind}");
    }
    let issue = archive.linear.issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("In Progress", vec!["audit-exception".to_owned(), "backend".to_owned()])
    );
    let issue = archive.jira.issue("PAY-7").unwrap();
    assert_eq!(
        (issue.status.as_str(), issue.labels),
        ("In Progress", vec!["audit-exception".to_owned(), "backend".to_owned()])
    );
    let page = archive.confluence.page_titled("Security review audit").unwrap().1;
    assert!(page.body.contains("No approval was given."), "{}", page.body);
    assert!(archive.confirmations()[0].text.contains("archived as an exception"));
}

#[tokio::test]
async fn merge_request_without_issue_is_done_without_error() {
    let archive = Archive::new().await;
    let mr = labelled(1);
    archive.stand.world.merged(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let effects = archive.merge(&mr).await;
    let notifier = archive.notifier().await;
    for kind in ["linear_issue", "jira_issue"] {
        let row = archive.attempt(&notifier, &effects[kind]).await;
        assert_eq!(
            (row.state.as_str(), row.external_id.as_deref()),
            ("done", Some("no_tracking_issue")),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_later_decision_corrects_earlier_reports() {
    let archive = Archive::new().await;
    let notifier = archive.notifier().await;
    // An older GitLab: only the delivery has the approval's time, and it arrives late.
    let world = &archive.stand.world;
    world.gitlab.patch(serde_json::json!({"old_gitlab": true})).unwrap();
    let mr = labelled(2);
    archive.shown(&mr, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    let wrong = archive.merge(&mr).await;
    for kind in KINDS {
        assert_eq!(archive.attempt(&notifier, &wrong[kind]).await.state, "done", "{kind}");
    }
    assert_eq!(
        archive.linear.issue("ENG-123").unwrap().labels,
        ["audit-exception", "backend"]
    );
    let right = by_kind(
        world
            .deliver(&mr.event("approved", ALICE, at("10:00:00")))
            .await
            .effects,
    );
    for kind in KINDS {
        let row = archive.attempt(&notifier, &right[kind]).await;
        assert_eq!((row.state.as_str(), row.attempts), ("done", 1), "{kind}: {row:?}");
    }
    let issue = archive.linear.issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels, issue.comments.len()),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()], 2)
    );
    assert_eq!(archive.jira.issue("PAY-7").unwrap().status, "Done");
    assert_eq!(archive.rows(), 1);
    let body = archive.confluence.page_titled("Security review audit").unwrap().1.body;
    assert_eq!(body.matches("Corrected on ").count(), 1);
    let last = archive.confirmations().pop().unwrap();
    assert!(last.text.starts_with("Security review corrected: "), "{}", last.text);
}

#[tokio::test]
async fn open_exception_of_another_merge_keeps_issue_open() {
    let archive = Archive::new().await;
    let notifier = archive.notifier().await;
    let (exception, approved) = (archive.unapproved(1).await, archive.approved(2).await);
    for effects in [&exception, &approved] {
        for kind in ["linear_issue", "jira_issue"] {
            assert_eq!(archive.attempt(&notifier, &effects[kind]).await.state, "done", "{kind}");
        }
    }
    let issue = archive.linear.issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels, issue.comments.len()),
        (
            "In Progress",
            vec!["audit-exception".to_owned(), "backend".to_owned()],
            2
        )
    );
    assert_eq!(archive.jira.issue("PAY-7").unwrap().status, "In Progress");

    // Once the exception is handled, it no longer blocks the issue.
    let dealt_with = "UPDATE security_review_exceptions SET status = 'closed'";
    archive.stand.owner.batch_execute(dealt_with).await.unwrap();
    let next = archive.approved(3).await;
    archive.attempt(&notifier, &next["linear_issue"]).await;
    assert_eq!(archive.linear.issue("ENG-123").unwrap().state, "Done");
}

/// Nor is it marked as audited at any target, even if effects had begun.
#[tokio::test]
async fn merge_found_unlabelled_closes_no_issue() {
    for is_begun in [false, true] {
        let archive = Archive::new().await;
        let notifier = archive.notifier().await;
        let mr = labelled(1);
        let path = serde_json::json!({"projects": {"77": {"path_with_namespace": mr.path()}}});
        archive.stand.world.gitlab.patch(path).unwrap();
        // GitLab does not show it: the delivery's label counts, and the title names the issue.
        let mut merge = mr.event("merge", AUTHOR, at("12:00:00"));
        merge["object_attributes"]["title"] = "ENG-123 PAY-7 rotate".into();
        let first = by_kind(archive.stand.world.deliver(&merge).await.effects);
        if is_begun {
            for kind in KINDS {
                assert_eq!(archive.attempt(&notifier, &first[kind]).await.state, "done", "{kind}");
            }
            assert_eq!(
                archive.linear.issue("ENG-123").unwrap().labels,
                ["audit-exception", "backend"]
            );
        }
        let report = labelled_after_the_merge(&archive.stand.world, &mr).await;
        assert_eq!(report.outcome.as_str(), "not_carried");
        let mut second = by_kind(report.effects);
        second.remove("slack_exception_update");
        if !is_begun {
            assert!(second.is_empty(), "expected no further effect: {second:?}");
            assert_eq!(archive.stand.row(first["linear_issue"].id).await.state, "superseded");
            continue;
        }
        for kind in KINDS {
            assert_eq!(archive.attempt(&notifier, &second[kind]).await.state, "done", "{kind}");
        }
        let issue = archive.linear.issue("ENG-123").unwrap();
        assert_eq!(
            (issue.state.as_str(), issue.labels),
            ("In Progress", vec!["backend".to_owned()])
        );
        assert_eq!(archive.jira.issue("PAY-7").unwrap().labels, ["backend"]);
        let body = archive.confluence.page_titled("Security review audit").unwrap().1.body;
        assert!(body.contains("No matching security label"), "{body}");
    }
}
