//! Failures between the outbox and a target, in any order: each target has everything once, with the latest decision.

use doubles::{Fault, Stub};

use super::env::{KINDS, by_kind, labelled};
use crate::env::TestEnv;
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

impl TestEnv {
    fn disturb(&self, kind: &str, fault: Option<Fault>, status: Option<u16>) {
        let (method, path, containing) = decisive(kind);
        let stub = Stub {
            fault,
            status,
            body: status.map(|_| "no".into()),
            ..Stub::on(method, path).times(1).containing(containing)
        };
        match kind {
            "linear_issue" => self.linear().stub(stub).unwrap(),
            "jira_issue" => self.jira().stub(stub).unwrap(),
            "confluence_row" => self.confluence().stub(stub).unwrap(),
            _ => self.slack().stub(stub).unwrap(),
        }
    }

    /// Each target has everything once, as after an approved merge.
    fn assert_once(&self, case: &str) {
        let linear = self.linear().issue("ENG-123").unwrap();
        assert_eq!(
            (linear.state.as_str(), linear.comments.len(), linear.attachments.len()),
            ("Done", 1, 1),
            "{case}"
        );
        assert_eq!(linear.labels, ["audited", "backend"], "{case}");
        let jira = self.jira().issue("PAY-7").unwrap();
        assert_eq!(
            (jira.status.as_str(), jira.comments.len(), jira.remote_links.len()),
            ("Done", 1, 1),
            "{case}"
        );
        assert_eq!(jira.transitioned.len(), 1, "{case}");
        assert_eq!((self.confluence_rows(), self.confirmations().len()), (1, 1), "{case}");
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
            let env = TestEnv::with_connectors().await;
            let effects = env.approved(iid).await;
            for kind in KINDS {
                // The newest stub is used first.
                for (fault, status) in [second, first] {
                    env.disturb(kind, fault, status);
                }
            }
            let notifier = env.function("notifier").await;
            let case = format!("{first:?} {second:?}");
            for kind in KINDS {
                let row = env.until_ended(&notifier, &effects[kind]).await;
                assert_eq!(row.state, "done", "{case} {kind}: {row:?}");
            }
            env.assert_once(&case);
        }
    }
}

#[tokio::test]
async fn effect_of_killed_worker_is_completed_without_duplicates() {
    for kind in KINDS {
        let env = TestEnv::with_connectors().await;
        let effects = env.approved(1).await;
        env.disturb(kind, Some(Fault::PostThenHang), None);
        let mut notifier = env.function("notifier").await;
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
                    "linear_issue" => env.linear().wait_for(patience, reached).await,
                    "jira_issue" => env.jira().wait_for(patience, reached).await,
                    "confluence_row" => env.confluence().wait_for(patience, reached).await,
                    _ => env.slack().wait_for(patience, reached).await,
                }
            } => drop(reached.unwrap()),
        }
        notifier.kill();
        assert_eq!(env.effect_row(effects[kind].id).await.state, "leased", "{kind}");
        let next = env.function("notifier").await;
        for kind in KINDS {
            let row = env.until_ended(&next, &effects[kind]).await;
            assert_eq!(row.state, "done", "{kind}: {row:?}");
        }
        env.assert_once(kind);
    }
}

#[tokio::test]
async fn later_decision_wins_over_ambiguous_earlier_effect() {
    for (fault, got_through) in [(Fault::PostThenReset, true), (Fault::Reset, false)] {
        let env = TestEnv::with_connectors().await;
        let first = env.approved(1).await;
        let notifier = env.function("notifier").await;
        for kind in KINDS {
            env.disturb(kind, Some(fault), None);
            assert_eq!(env.attempt(&notifier, &first[kind]).await.state, "ambiguous", "{kind}");
        }
        let second = by_kind(env.taken_back(env.app(), &labelled(1)).await.effects);
        for kind in KINDS {
            // The later report is done first: its effect is due, and the earlier one must still be looked up.
            let row = env.until_ended(&notifier, &second[kind]).await;
            assert_eq!(row.state, "done", "{kind}: {row:?}");
            let row = env.until_ended(&notifier, &first[kind]).await;
            // The row shows the latest decision, whichever of the two wrote it.
            let done = got_through || kind == "confluence_row";
            let expected = if done { "done" } else { "superseded" };
            assert_eq!(row.state, expected, "{kind} {fault:?}: {row:?}");
        }
        let linear = env.linear().issue("ENG-123").unwrap();
        assert!(
            linear.labels.contains(&"audit-exception".to_owned()) && !linear.labels.contains(&"audited".to_owned()),
            "{linear:?}"
        );
        assert_eq!(env.confluence_rows(), 1);
        let body = env.confluence().page_titled("Security review audit").unwrap().1.body;
        assert_eq!(
            body.matches("Merged without a valid security approval.").count(),
            1,
            "{body}"
        );
        let confirmations = env.confirmations();
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
            let env = TestEnv::with_connectors().await;
            let first = env.approved(1).await;
            let notifier = env.function("notifier").await;
            let status = if is_resolved_first { 503 } else { 429 };
            let stub = Stub::answering(method, path, status, "no")
                .times(1)
                .containing(containing);
            match kind {
                "linear_issue" => env.linear().stub(stub).unwrap(),
                "jira_issue" => env.jira().stub(stub).unwrap(),
                _ => env.confluence().stub(stub).unwrap(),
            }
            let begun = env.attempt(&notifier, &first[kind]).await;
            assert_eq!(
                begun.state,
                if is_resolved_first { "ambiguous" } else { "pending" },
                "{kind} {path}"
            );
            let second = by_kind(env.taken_back(env.app(), &labelled(1)).await.effects);
            if is_resolved_first {
                env.until_ended(&notifier, &first[kind]).await;
            }
            assert_eq!(
                env.until_ended(&notifier, &second[kind]).await.state,
                "done",
                "{kind} {path}"
            );
            let case = format!("{kind} {path} {containing} {is_resolved_first}");
            match kind {
                "linear_issue" => assert_eq!(
                    env.linear().issue("ENG-123").unwrap().labels,
                    ["audit-exception", "backend"],
                    "{case}"
                ),
                "jira_issue" => assert_eq!(
                    env.jira().issue("PAY-7").unwrap().labels,
                    ["audit-exception", "backend"],
                    "{case}"
                ),
                _ => assert_eq!(env.confluence_rows(), 1, "{case}"),
            }
        }
    }
}
