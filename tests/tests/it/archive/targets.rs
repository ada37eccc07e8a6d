//! The notifier at Linear, Jira, Confluence and Slack: what stands there after a merge.

use super::stand::{Archive, KINDS, labelled};
use crate::evaluation::world::{ALICE, at};

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

    let [confirmation] = &archive.confirmations()[..] else {
        panic!("one confirmation expected")
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
async fn an_exception_leaves_the_issues_open_and_says_so_everywhere() {
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
    assert!(page.body.contains("Nobody approved it."), "{}", page.body);
    assert!(archive.confirmations()[0].text.contains("archived as an exception"));
}

#[tokio::test]
async fn a_merge_request_that_names_no_issue_is_recorded_as_such_and_is_no_error() {
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
async fn a_later_finding_corrects_what_has_been_told() {
    let archive = Archive::new().await;
    let first = archive.unapproved(1).await;
    let notifier = archive.notifier().await;
    for kind in KINDS {
        archive.attempt(&notifier, &first[kind]).await;
    }
    // An older GitLab: only the delivery says when somebody approved, and it comes late.
    let archive_world = &archive.stand.world;
    archive_world
        .gitlab
        .patch(serde_json::json!({"old_gitlab": true}))
        .unwrap();
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
    let report = archive_world.deliver(&mr.told("approved", ALICE, at("10:00:00"))).await;
    let right = super::stand::by_kind(report.effects);
    for kind in KINDS {
        let row = archive.attempt(&notifier, &right[kind]).await;
        assert_eq!((row.state.as_str(), row.attempts), ("done", 1), "{kind}: {row:?}");
    }
    let issue = archive.linear.issue("ENG-123").unwrap();
    assert_eq!(
        (issue.state.as_str(), issue.labels, issue.comments.len()),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()], 3)
    );
    assert_eq!(archive.jira.issue("PAY-7").unwrap().status, "Done");
    assert_eq!(archive.rows(), 2);
    let body = archive.confluence.page_titled("Security review audit").unwrap().1.body;
    assert_eq!(body.matches("Corrected on ").count(), 1);
    let last = archive.confirmations().pop().unwrap();
    assert!(last.text.starts_with("Security review corrected: "), "{}", last.text);
}
