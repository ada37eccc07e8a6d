//! Every row of the table of sources, and the exception kinds that the stack's rules can produce.

use serde_json::{Value, json};

use super::review::{StackReview, millis};
use crate::env::{ALICE, AUTHOR, HIGH, OUTSIDER};

type Change = fn(&StackReview, &mut Value);
type Deliveries = fn(&StackReview) -> Vec<Value>;

/// One case: its name, the labels at the merge, what GitLab shows, earlier deliveries, and the expected result.
type Case = (&'static str, &'static [&'static str], Change, Deliveries, &'static str);

fn approved(by: u64, review: &StackReview, minutes: i64, shown: &mut Value) {
    shown["approved_by"] = json!([{"user": by, "approved_at": millis(review.before(minutes))}]);
}

fn nothing(_: &StackReview) -> Vec<Value> {
    Vec::new()
}

async fn check(cases: &[Case]) {
    let reviews: Vec<StackReview> = cases.iter().map(|case| StackReview::new(case.1)).collect();
    for ((_, _, change, deliveries, _), review) in cases.iter().zip(&reviews) {
        review.shown(|shown| change(review, shown)).await;
        for payload in deliveries(review) {
            review.deliver(&payload).await;
        }
        review.deliver_merge().await;
    }
    for ((name, .., expected), review) in cases.iter().zip(&reviews) {
        assert_eq!(review.verdict().await, *expected, "{name}");
    }
}

#[tokio::test]
async fn verdicts_follow_the_table_of_sources() {
    check(&[
        (
            "GitLab shows an approval, the history none",
            HIGH,
            |review, shown| approved(ALICE, review, 60, shown),
            nothing,
            "approved",
        ),
        (
            "GitLab and the history show the same approval",
            HIGH,
            |review, shown| approved(ALICE, review, 60, shown),
            |review| vec![review.mr.event("approval", ALICE, review.before(60))],
            "approved",
        ),
        (
            "GitLab shows an approval whose withdrawal is in the history",
            HIGH,
            |review, shown| approved(ALICE, review, 60, shown),
            |review| vec![review.mr.event("unapproved", ALICE, review.before(30))],
            "approved",
        ),
        (
            "GitLab shows an approval, the history a later reset",
            HIGH,
            |review, shown| approved(ALICE, review, 60, shown),
            |review| vec![review.mr.reset_by_push(AUTHOR, review.before(30))],
            "approved",
        ),
        (
            "GitLab shows none, the history one that was never withdrawn",
            HIGH,
            |_, _| (),
            |review| vec![review.mr.event("approved", ALICE, review.before(60))],
            "unverified",
        ),
        ("neither shows an approval", HIGH, |_, _| (), nothing, "no_approval"),
        (
            "GitLab shows none, the history one that was withdrawn",
            HIGH,
            |_, _| (),
            |review| {
                vec![
                    review.mr.event("approved", ALICE, review.before(60)),
                    review.mr.event("unapproved", ALICE, review.before(30)),
                ]
            },
            "approval_revoked",
        ),
    ])
    .await;
}

#[tokio::test]
async fn each_exception_kind_of_the_rules_is_produced() {
    check(&[
        (
            "the label was removed by an ineligible user",
            &["backend"],
            |review, shown| {
                shown["label_events"] = json!([
                    {"label": "sec/critical", "action": "add", "user": AUTHOR, "created_at": millis(review.before(90))},
                    {"label": "sec/critical", "action": "remove", "user": OUTSIDER, "created_at": millis(review.before(10))},
                ]);
            },
            nothing,
            "label_removed_before_merge",
        ),
        (
            "the label was removed by an eligible approver",
            &["backend"],
            |review, shown| {
                shown["label_events"] =
                    json!([{"label": "sec/critical", "action": "remove", "user": ALICE, "created_at": millis(review.before(10))}]);
            },
            nothing,
            "declassified",
        ),
        (
            "the code changed after the approval",
            HIGH,
            |review, shown| {
                approved(ALICE, review, 60, shown);
                let newer =
                    json!({"head_commit_sha": "f00d", "patch_id_sha": "p2", "created_at": millis(review.before(30))});
                shown["versions"].as_array_mut().unwrap().push(newer);
                shown["sha"] = json!("f00d");
            },
            nothing,
            "approved_other_commit",
        ),
        (
            "a rebase after the approval",
            HIGH,
            |review, shown| {
                approved(ALICE, review, 60, shown);
                let newer =
                    json!({"head_commit_sha": "f00d", "patch_id_sha": "p1", "created_at": millis(review.before(30))});
                shown["versions"].as_array_mut().unwrap().push(newer);
                shown["sha"] = json!("f00d");
            },
            nothing,
            "approved",
        ),
    ])
    .await;
}

#[tokio::test]
async fn only_eligible_approvals_before_the_merge_count() {
    check(&[
        (
            "the author approved",
            HIGH,
            |review, shown| approved(AUTHOR, review, 60, shown),
            nothing,
            "self_approved",
        ),
        (
            "a bot approved",
            HIGH,
            |review, shown| {
                let bot = json!({"id": 811, "username": "project_7301_bot_2f9e", "state": "active"});
                shown["approved_by"] = json!([{"user": bot, "approved_at": millis(review.before(60))}]);
            },
            nothing,
            "bot_approved",
        ),
        (
            "an outsider approved",
            HIGH,
            |review, shown| approved(OUTSIDER, review, 60, shown),
            nothing,
            "approver_not_eligible",
        ),
        (
            "approved after the merge",
            HIGH,
            |review, shown| approved(ALICE, review, -1, shown),
            nothing,
            "approved_after_merge",
        ),
        (
            "GitLab hides it",
            HIGH,
            |_, shown| *shown = Value::Null,
            nothing,
            "unverified",
        ),
    ])
    .await;
}
