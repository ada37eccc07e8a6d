//! The main path, repetition, order, and the correlation id from end to end.

use std::time::Duration;

use crate::local_stack::{eventually, now};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::review::{SLACK, StackReview, millis};
use crate::env::{ALICE, AUTHOR, HIGH};

const SOON: Duration = Duration::from_secs(10);

/// Repeated deliveries change neither.
#[tokio::test]
async fn unapproved_merge_is_one_row_and_one_message() {
    let _slack = SLACK.read().await;
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    let delivery = review.signed(&review.merge());
    assert_eq!(review.send(&delivery).await.status, 202);
    assert_eq!(review.kind_in(SOON).await, "no_approval");
    let message = review.message_in(SOON).await;
    assert_eq!(message["channel"], "C0SECLEAD");
    let row = review.rows("e", "security_review_exceptions e").await.remove(0);
    assert!(
        message.to_string().contains(row["id"].as_str().unwrap()),
        "the message names the row"
    );
    assert!(message["text"].as_str().unwrap().contains("Rotate the signing keys"));

    for _ in 0..10 {
        assert_eq!(review.send(&delivery).await.status, 202);
    }
    review.deliver_merge().await; // the same merge with another webhook-id, as sent by a group's hook in addition to the project's
    review.settled().await;
    assert_eq!(review.rows("e", "security_review_exceptions e").await, [row]);
    assert_eq!(
        review
            .rows("action", "merge_request_events")
            .await
            .iter()
            .filter(|action| **action == json!("merge"))
            .count(),
        2
    );
    assert_eq!(review.slack_messages().await.len(), 1);
}

#[tokio::test]
async fn a_delivery_sent_again_later_is_stored_once() {
    let review = StackReview::new(&["backend"]);
    review.shown(|_| ()).await;
    let delivery = review.signed(&review.merge());
    for _ in 0..2 {
        review.send(&delivery).await;
        review.settled().await;
    }
    let actions = review.rows("action", "merge_request_events").await;
    assert_eq!(actions.iter().filter(|action| **action == json!("merge")).count(), 1);
}

#[tokio::test]
async fn one_correlation_id_reaches_slack() {
    let _slack = SLACK.read().await;
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let reply = review
        .send(&review.signed(&review.merge()).with("traceparent", trace))
        .await;
    let id = reply.json()["correlation_id"].as_str().unwrap().to_owned();
    review.message_in(SOON).await;
    // 1. In the rows.
    for (table, column) in [
        ("merge_request_events", "correlation_id"),
        ("security_review_decisions", "correlation_id"),
        ("security_review_exceptions", "correlation_id"),
        ("effects", "correlation_id"),
    ] {
        let mut ids = review.rows(column, table).await;
        ids.dedup();
        assert_eq!(ids, [json!(id)], "{table}");
    }
    // 2. In the audit entries, together with the trace id.
    let groups = &review.stack.log_groups;
    for (group, action) in [
        (&groups.webhook, "webhook.auth.verify"),
        (&groups.webhook, "sqs.api.send_message"),
        (&groups.processor, "gitlab.api.get_mr_details"),
        (&groups.processor, "gitlab.api.get_mr_approvals"),
        (&groups.processor, "exception.record.insert"),
        (&groups.processor, "sqs.api.send_message"),
        (&groups.notifier, "slack.api.post_message"),
    ] {
        let entry = eventually(SOON, action, async || {
            let lines = review.stack.log_lines(group, review.began, &id).await;
            lines.into_iter().find(|line| line["action"] == action)
        })
        .await;
        assert_eq!(
            (&entry["event_type"], &entry["outcome"]),
            (&json!("audit"), &json!("success")),
            "{entry:#}"
        );
        assert_eq!(entry["actor"], json!({"type": "webhook_event", "id": id}));
        assert_eq!(entry["trace_id"], "0af7651916cd43dd8448eb211c80319c", "{entry:#}");
    }
    // 3. In the request to Slack.
    let requests = review
        .stack
        .control(&review.stack.slack_url, "GET", "/_double/requests", &Value::Null)
        .await;
    let project = review.mr.project;
    let posted = requests
        .as_array()
        .unwrap()
        .iter()
        .find(|request| request["body"]["metadata"]["event_payload"]["project_id"] == project);
    assert_eq!(posted.unwrap()["headers"]["traceparent"], trace);
}

#[tokio::test]
async fn a_properly_approved_merge_makes_no_exception() {
    let review = StackReview::new(HIGH);
    let approved_at = review.before(60);
    review
        .shown(|shown| shown["approved_by"] = json!([{"user": ALICE, "approved_at": millis(approved_at)}]))
        .await;
    review.deliver(&review.mr.event("approved", ALICE, approved_at)).await;
    review.deliver_merge().await;
    assert_eq!(review.verdict().await, "approved");
    assert_eq!(review.rows("proof", "security_review_ledger").await, [json!("both")]);
    assert_eq!(
        review.rows("kind", "security_review_exceptions").await,
        [] as [Value; 0]
    );
    let kinds = review.rows("kind", "effects").await;
    assert!(!kinds.contains(&json!("slack_exception_alert")), "{kinds:?}");
}

#[tokio::test]
async fn unlabelled_merge_is_not_an_exception() {
    let review = StackReview::new(&["backend"]);
    review.shown(|_| ()).await;
    review.deliver_merge().await;
    assert_eq!(review.verdict().await, "not_carried");
    assert_eq!(
        review.rows("kind", "security_review_exceptions").await,
        [] as [Value; 0]
    );
}

#[tokio::test]
async fn deliveries_out_of_order_end_the_same() {
    let _slack = SLACK.read().await;
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    // The merge first, then earlier events: an approval, and its withdrawal.
    review.deliver_merge().await;
    assert_eq!(review.kind().await, "no_approval");
    review
        .deliver(&review.mr.event("unapproved", ALICE, review.before(30)))
        .await;
    review
        .deliver(&review.mr.event("approved", ALICE, review.before(60)))
        .await;
    review.settled().await;
    assert_eq!(review.kind().await, "approval_revoked");
    review.message_in(SOON).await;
    review
        .deliver(&review.mr.event("open", AUTHOR, review.before(200)))
        .await;
    review.settled().await;
    assert_eq!(review.slack_messages().await.len(), 1);
}

#[tokio::test]
async fn large_unexpected_delivery_is_quarantined_whole() {
    let review = StackReview::new(HIGH);
    let mut odd = review.merge();
    odd["object_attributes"]["iid"] = json!("seven");
    odd["object_attributes"]["description"] = json!("x".repeat(200 * 1024));
    let id = Uuid::now_v7().to_string();
    let delivery = review
        .stack
        .signed_as(&odd, &id, now().as_second(), &review.stack.signing_token);
    assert_eq!(review.send(&delivery).await.status, 202);
    let auditor = review.stack.auditor().await;
    let sql = format!("SELECT content ->> 'body_base64' FROM quarantined_deliveries WHERE delivery_id = '{id}'");
    let kept: String = eventually(SOON, "the delivery in quarantine", async || {
        auditor
            .query_typed(&sql, &[])
            .await
            .unwrap()
            .first()
            .map(|row| row.get(0))
    })
    .await;
    assert_eq!(STANDARD.decode(kept).unwrap(), delivery.body);
}
