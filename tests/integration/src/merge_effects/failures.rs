//! Failures between the outbox and a target, in any order: each target has everything once, with the latest decision.

use doubles::{Fault, Stub};

use super::stand::{Archive, KINDS, by_kind, labelled};
use crate::outbox::message;

/// The request of each target whose lost answer matters most.
fn decisive(kind: &str) -> (&'static str, &'static str, &'static str) {
    match kind {
        "linear_issue" => ("POST", "/graphql", "commentCreate"),
        "jira_issue" => ("POST", "/rest/api/2/issue/PAY-7/comment", ""),
        "confluence_row" => ("POST", "/wiki/api/v2/pages", ""),
        _ => ("POST", "/api/chat.postMessage", ""),
    }
}

impl Archive {
    fn disturb(&self, kind: &str, fault: Option<Fault>, status: Option<u16>) {
        let (method, path, containing) = decisive(kind);
        let stub = Stub {
            fault,
            status,
            body: status.map(|_| "no".into()),
            ..Stub::on(method, path).times(1).containing(containing)
        };
        match kind {
            "linear_issue" => self.linear.stub(stub).unwrap(),
            "jira_issue" => self.jira.stub(stub).unwrap(),
            "confluence_row" => self.confluence.stub(stub).unwrap(),
            _ => self.stand.slack.stub(stub).unwrap(),
        }
    }

    /// Each target has everything once, as after an approved merge.
    fn assert_once(&self, case: &str) {
        let linear = self.linear.issue("ENG-123").unwrap();
        assert_eq!(
            (linear.state.as_str(), linear.comments.len(), linear.attachments.len()),
            ("Done", 1, 1),
            "{case}"
        );
        assert_eq!(linear.labels, ["audited", "backend"], "{case}");
        let jira = self.jira.issue("PAY-7").unwrap();
        assert_eq!(
            (jira.status.as_str(), jira.comments.len(), jira.remote_links.len()),
            ("Done", 1, 1),
            "{case}"
        );
        assert_eq!(jira.transitioned.len(), 1, "{case}");
        assert_eq!((self.rows(), self.confirmations().len()), (1, 1), "{case}");
    }
}

#[tokio::test]
async fn any_two_failures_per_target_end_the_same() {
    let failures = [
        (Some(Fault::Reset), None),
        (Some(Fault::PostThenReset), None),
        (None, Some(503)),
        (None, Some(429)),
    ];
    let mut iid = 0;
    for first in failures {
        for second in failures {
            iid += 1;
            let archive = Archive::new().await;
            let effects = archive.approved(iid).await;
            for kind in KINDS {
                // The newest stub is used first.
                for (fault, status) in [second, first] {
                    archive.disturb(kind, fault, status);
                }
            }
            let notifier = archive.notifier().await;
            let case = format!("{first:?} {second:?}");
            for kind in KINDS {
                let row = archive.until_ended(&notifier, &effects[kind]).await;
                assert_eq!(row.state, "done", "{case} {kind}: {row:?}");
            }
            archive.assert_once(&case);
        }
    }
}

#[tokio::test]
async fn effect_of_killed_worker_is_completed_without_duplicates() {
    for kind in KINDS {
        let archive = Archive::new().await;
        let effects = archive.approved(1).await;
        archive.disturb(kind, Some(Fault::PostThenHang), None);
        let mut notifier = archive.notifier().await;
        let (_, path, containing) = decisive(kind);
        let patience = std::time::Duration::from_secs(20);
        let reached = |seen: &[doubles::Recorded]| {
            let there = |request: &&doubles::Recorded| request.method == "POST" && request.path == path;
            seen.iter()
                .filter(there)
                .any(|request| request.body.to_string().contains(containing))
        };
        let event = message(&effects[kind], 0);
        tokio::select! {
            answer = notifier.invoke(event) => panic!("answered before it was killed: {answer}"),
            reached = async {
                match kind {
                    "linear_issue" => archive.linear.wait_for(patience, reached).await,
                    "jira_issue" => archive.jira.wait_for(patience, reached).await,
                    "confluence_row" => archive.confluence.wait_for(patience, reached).await,
                    _ => archive.stand.slack.wait_for(patience, reached).await,
                }
            } => drop(reached.unwrap()),
        }
        notifier.kill();
        assert_eq!(archive.stand.row(effects[kind].id).await.state, "leased", "{kind}");
        let next = archive.notifier().await;
        for kind in KINDS {
            let row = archive.until_ended(&next, &effects[kind]).await;
            assert_eq!(row.state, "done", "{kind}: {row:?}");
        }
        archive.assert_once(kind);
    }
}

#[tokio::test]
async fn later_decision_wins_over_ambiguous_earlier_effect() {
    for (fault, got_through) in [(Fault::PostThenReset, true), (Fault::Reset, false)] {
        let archive = Archive::new().await;
        let first = archive.approved(1).await;
        let notifier = archive.notifier().await;
        for kind in KINDS {
            archive.disturb(kind, Some(fault), None);
            assert_eq!(
                archive.attempt(&notifier, &first[kind]).await.state,
                "ambiguous",
                "{kind}"
            );
        }
        let world = &archive.stand.world;
        let second = by_kind(world.taken_back(&world.evaluator, &labelled(1)).await.effects);
        for kind in KINDS {
            // The later report is done first: its effect is due, and the earlier one must still be looked up.
            let row = archive.until_ended(&notifier, &second[kind]).await;
            assert_eq!(row.state, "done", "{kind}: {row:?}");
            let row = archive.until_ended(&notifier, &first[kind]).await;
            // The row shows the latest decision, whichever of the two wrote it.
            let done = got_through || kind == "confluence_row";
            let expected = if done { "done" } else { "superseded" };
            assert_eq!(row.state, expected, "{kind} {fault:?}: {row:?}");
        }
        let linear = archive.linear.issue("ENG-123").unwrap();
        assert!(
            linear.labels.contains(&"audit-exception".to_owned()) && !linear.labels.contains(&"audited".to_owned()),
            "{linear:?}"
        );
        assert_eq!(archive.rows(), 1);
        let body = archive.confluence.page_titled("Security review audit").unwrap().1.body;
        assert_eq!(
            body.matches("Merged without a valid security approval.").count(),
            1,
            "{body}"
        );
        let confirmations = archive.confirmations();
        assert_eq!(confirmations.len(), if got_through { 2 } else { 1 });
        assert!(
            confirmations
                .last()
                .unwrap()
                .text
                .contains("The security approval was revoked"),
            "{confirmations:?}"
        );
    }
}

/// Requests of the first report that can be answered with "too many": the ones before them succeeded.
const PARTS: [(&str, &str, &str, &str); 6] = [
    ("linear_issue", "POST", "/graphql", "commentCreate"),
    ("linear_issue", "POST", "/graphql", "issueUpdate"),
    ("jira_issue", "POST", "/rest/api/2/issue/PAY-7/remotelink", ""),
    ("jira_issue", "POST", "/rest/api/2/issue/PAY-7/comment", ""),
    ("jira_issue", "POST", "/rest/api/2/issue/PAY-7/transitions", ""),
    ("confluence_row", "POST", "/wiki/api/v2/pages", ""),
];

#[tokio::test]
async fn partly_applied_effect_is_corrected_by_later_decision() {
    for (kind, method, path, containing) in PARTS {
        for is_resolved_first in [false, true] {
            let archive = Archive::new().await;
            let first = archive.approved(1).await;
            let notifier = archive.notifier().await;
            let status = if is_resolved_first { 503 } else { 429 };
            let stub = Stub::answering(method, path, status, "no")
                .times(1)
                .containing(containing);
            match kind {
                "linear_issue" => archive.linear.stub(stub).unwrap(),
                "jira_issue" => archive.jira.stub(stub).unwrap(),
                _ => archive.confluence.stub(stub).unwrap(),
            }
            let begun = archive.attempt(&notifier, &first[kind]).await;
            assert_eq!(
                begun.state,
                if is_resolved_first { "ambiguous" } else { "pending" },
                "{kind} {path}"
            );
            let world = &archive.stand.world;
            let second = by_kind(world.taken_back(&world.evaluator, &labelled(1)).await.effects);
            if is_resolved_first {
                archive.until_ended(&notifier, &first[kind]).await;
            }
            assert_eq!(
                archive.until_ended(&notifier, &second[kind]).await.state,
                "done",
                "{kind} {path}"
            );
            let case = format!("{kind} {path} {containing} {is_resolved_first}");
            match kind {
                "linear_issue" => assert_eq!(
                    archive.linear.issue("ENG-123").unwrap().labels,
                    ["audit-exception", "backend"],
                    "{case}"
                ),
                "jira_issue" => assert_eq!(
                    archive.jira.issue("PAY-7").unwrap().labels,
                    ["audit-exception", "backend"],
                    "{case}"
                ),
                _ => assert_eq!(archive.rows(), 1, "{case}"),
            }
        }
    }
}
