//! Effects of a merge on the local stack: evidence, issue, audit page, pod; also with twenty concurrent merges.

use std::time::Duration;

use crate::local_stack::eventually;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::review::{StackReview, millis};
use crate::env::{ALICE, HIGH};

/// Effects of twenty merges wait for each other at one page.
const PATIENCE: Duration = Duration::from_mins(2);
const TITLE: &str = "Security review audit";

impl StackReview {
    /// GitLab shows it approved two hours before its merge, with a branch that names this issue.
    async fn approved(&self, issue: &str) {
        let approved_at = millis(self.merged - jiff::SignedDuration::from_hours(2));
        let branch = format!("dpark/{}-rotate", issue.to_lowercase());
        self.shown(|shown| {
            shown["source_branch"] = json!(branch);
            shown["approved_by"] = json!([{"user": ALICE, "approved_at": approved_at}]);
        })
        .await;
    }

    /// Its effects by kind: state and external id, once none is open.
    async fn ended_effects(&self) -> Vec<(String, String, Option<String>)> {
        eventually(PATIENCE, "the effects to end", async || {
            let rows = self.rows("e", "effects e").await;
            let ended = rows.len() >= 4 && rows.iter().all(|row| row["state"] == "done" || row["state"] == "dead");
            let text = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
            ended.then(|| {
                let mut rows: Vec<_> = rows
                    .iter()
                    .map(|row| {
                        (
                            text(row, "kind").unwrap(),
                            text(row, "state").unwrap(),
                            text(row, "external_id"),
                        )
                    })
                    .collect();
                rows.sort();
                rows
            })
        })
        .await
    }
}

#[tokio::test]
async fn merge_gives_evidence_closed_issue_row_and_confirmation() {
    let review = StackReview::new(HIGH);
    let issue = format!("ENG-{}", review.mr.project % 1_000_000 + 1);
    review.stack.linear_has(&issue).await;
    review.approved(&issue).await;
    review.deliver_merge().await;
    let effects = review.ended_effects().await;
    let kinds: Vec<_> = effects
        .iter()
        .map(|(kind, state, _)| (kind.as_str(), state.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("confluence_row", "done"),
            ("jira_issue", "done"),
            ("linear_issue", "done"),
            ("slack_pod_confirmation", "done")
        ]
    );

    // 1. Evidence: the digest of its bytes is in the ledger and the decision.
    let evidence = review.rows("e", "review_evidence e").await.remove(0);
    let digest = Sha256::digest(evidence["content"].as_str().unwrap());
    let digest = digest
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(evidence["sha256"], digest);
    for table in ["security_review_ledger", "security_review_decisions"] {
        assert_eq!(review.rows("evidence_sha256", table).await, [json!(digest)], "{table}");
    }

    // 2. The issue is closed and labelled.
    assert_eq!(effects[2].2.as_deref(), Some(issue.as_str()));
    let world = review.stack.world(&review.stack.linear_url).await;
    let shown = &world["issues"][&issue];
    assert_eq!(
        (&shown["state"], shown["comments"].as_array().unwrap().len()),
        (&json!("Done"), 1)
    );
    let label = shown["labels"][0].as_str().unwrap();
    assert_eq!(world["labels"][label]["name"], "audited");

    // 3. One row on the audit page, one confirmation to the pod, no alert.
    assert_eq!(rows_of(&review).await, 1);
    let messages = review.stack.pod_messages(review.mr.project, review.mr.iid).await;
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert_eq!(messages[0]["channel"], "C0PODPAY", "by its project");
    assert_eq!(review.slack_messages().await, Vec::<Value>::new(), "no alert");
}

/// Rows with a link to the merge request, on all pages.
async fn rows_of(review: &StackReview) -> usize {
    let world = review.stack.world(&review.stack.confluence_url).await;
    let link = format!("/{}/-/merge_requests/{}\"", review.mr.path(), review.mr.iid);
    let pages = world["pages"].as_object().unwrap().values();
    pages
        .map(|page| page["body"].as_str().unwrap().matches(&link).count())
        .sum()
}

#[tokio::test]
async fn concurrent_merges_and_an_edit_keep_every_row() {
    let reviews: Vec<StackReview> = (0..20).map(|_| StackReview::new(HIGH)).collect();
    futures::future::join_all(reviews.iter().map(|review| review.approved("ENG-404"))).await;
    futures::future::join_all(reviews.iter().map(StackReview::deliver_merge)).await;
    // While the rows arrive, another user edits the page through its API, as the editor does.
    let note = format!(
        "<p>Checked on {}&nbsp;&mdash; <em>all good</em></p>",
        crate::local_stack::now()
    );
    let stack = &reviews[0].stack;
    let edited = eventually(PATIENCE, "the page, and an edit of it", async || {
        stack.edit_page(TITLE, &note).await
    })
    .await;
    for review in &reviews {
        let effects = review.ended_effects().await;
        assert!(effects.iter().all(|(_, state, _)| state == "done"), "{effects:?}");
        assert_eq!(rows_of(review).await, 1, "{}", review.mr.path());
    }
    let world = stack.world(&stack.confluence_url).await;
    let page = &world["pages"][&edited];
    assert!(page["body"].as_str().unwrap().starts_with(&note), "the edit is kept");
}
