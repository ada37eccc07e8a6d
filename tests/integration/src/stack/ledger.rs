//! Scripted lives on the deployed stack: their final rows, the reasons, and that every decision can be recomputed.

use std::process::Command;

use crate::local_stack::{PATIENCE, eventually};
use serde_json::{Value, json};

use super::review::{StackReview, millis};
use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER};
use crate::program::built;

impl StackReview {
    /// The row, once it has this decision.
    async fn decided(&self, decision: Option<&str>) -> Value {
        let what = format!("{decision:?} in the ledger of {}", self.mr.path());
        eventually(PATIENCE, &what, async || {
            let rows = self.rows("l", "security_review_ledger l").await;
            assert!(rows.len() < 2, "one row for each merge request");
            rows.into_iter()
                .next()
                .filter(|row| row["decision"].as_str() == decision)
        })
        .await
    }

    fn explained(&self) -> Value {
        let name = format!("main/{}!{}", self.mr.project, self.mr.iid);
        serde_json::from_str(&countersign(&["explain", &name, "--format", "json"])).unwrap()
    }

    /// GitLab shows it open, labelled four hours before the merge to come.
    async fn shown_open(&self, change: impl FnOnce(&mut Value)) {
        self.shown(|shown| {
            shown["state"] = json!("opened");
            shown["merged_at"] = Value::Null;
            self.labelled(shown);
            change(shown);
        })
        .await;
    }

    fn labelled(&self, shown: &mut Value) {
        shown["created_at"] = json!(millis(self.before(300)));
        shown["label_events"] = json!([{"label": "security::high", "action": "add", "user": AUTHOR, "created_at": millis(self.before(240))}]);
    }
}

fn countersign(words: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let done = Command::new(built("countersign"))
        .args(words)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn review_is_followed_from_label_to_merge() {
    let review = StackReview::new(HIGH);
    review.shown_open(|_| ()).await;
    review
        .deliver(&review.mr.event("update", AUTHOR, review.before(240)))
        .await;
    let row = review.decided(None).await;
    assert_eq!(
        (&row["revision"], &row["time_unknown_reason"]),
        (&json!(1), &json!("no_decision"))
    );

    let approved = json!([{"user": ALICE, "approved_at": millis(review.before(60))}]);
    review.shown_open(|shown| shown["approved_by"] = approved.clone()).await;
    let approval = review
        .deliver(&review.mr.event("approved", ALICE, review.before(60)))
        .await;
    let row = review.decided(Some("approved")).await;
    assert_eq!(
        (&row["deciding_reviewer_username"], &row["time_to_approval"]),
        (&json!("sec-alice"), &json!("03:00:00"))
    );

    review
        .shown(|shown| {
            review.labelled(shown);
            shown["approved_by"] = approved;
        })
        .await;
    review.deliver_merge().await;
    let row = review.decided(Some("merged")).await;
    assert_eq!(
        (&row["time_to_decision"], &row["sla_met"], &row["proof"]),
        (&json!("04:00:00"), &json!(true), &json!("both"))
    );

    // The approval's own delivery, from the webhook to the ledger.
    let trace = eventually(PATIENCE, "the trace of the approval", async || {
        let trace = countersign(&["trace", &approval]);
        trace.contains("ledger.record.upsert").then_some(trace)
    })
    .await;
    assert!(trace.contains("decision: approved, before the merge"), "{trace}");

    let explained = review.explained();
    assert_eq!(explained["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(explained["decisions"][1]["explanation"]["approvals"][0]["valid"], true);
    assert_eq!(explained["ledger"]["decision"], "merged");
}

#[tokio::test]
async fn lives_that_end_otherwise_end_in_their_rows() {
    let (closed, outsider) = (StackReview::new(HIGH), StackReview::new(HIGH));
    closed.shown_open(|_| ()).await;
    closed
        .stack
        .deliver(&closed.mr.event("close", AUTHOR, closed.before(60)))
        .await;
    closed.decided(Some("closed")).await;
    closed
        .stack
        .deliver(&closed.mr.event("reopen", AUTHOR, closed.before(50)))
        .await;
    closed.decided(Some("reopened")).await;

    outsider
        .shown(|shown| {
            outsider.labelled(shown);
            shown["approved_by"] = json!([{"user": OUTSIDER, "approved_at": millis(outsider.before(60))}]);
        })
        .await;
    outsider.deliver_merge().await;
    let row = outsider.decided(Some("merged_without_approval")).await;
    assert_eq!(
        (&row["deciding_reviewer_id"], &row["time_unknown_reason"]),
        (&Value::Null, &json!("no_valid_approval"))
    );
    let explained = outsider.explained();
    let checks = explained["decisions"][0]["explanation"]["approvals"][0]["checks"]
        .as_array()
        .unwrap();
    let against: Vec<_> = checks
        .iter()
        .filter(|check| check["found"] == "against")
        .map(|check| &check["rule"])
        .collect();
    assert_eq!(against, [&json!("approver_not_eligible")]);
    assert_eq!(explained["exception"]["kind"], "approver_not_eligible");
}

#[tokio::test]
async fn stored_decisions_are_replayed_unchanged() {
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    review.deliver_merge().await;
    review.decided(Some("merged_without_approval")).await;
    countersign(&["replay", "--verify"]);
    let listed = countersign(&[
        "ledger",
        "--project",
        &review.mr.project.to_string(),
        "--format",
        "json",
    ]);
    assert_eq!(listed.lines().count(), 1);
}
