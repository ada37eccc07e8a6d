//! Authentication: forged, misused and stale deliveries, hostile requests; each audited, none of them an exception.

use std::time::Duration;

use crate::local_stack::{PATIENCE, Reply, eventually, now, request};
use serde_json::{Value, json};
use uuid::Uuid;

use super::review::StackReview;
use crate::env::HIGH;

const SOON: Duration = Duration::from_secs(10);

/// The audit line of a request, found by its correlation id.
async fn audited(review: &StackReview, reply: &Reply) -> Value {
    let id = reply.json()["correlation_id"].as_str().unwrap().to_owned();
    eventually(SOON, "the audit line", async || {
        let lines = review
            .stack
            .log_lines(&review.stack.log_groups.webhook, review.began, &id)
            .await;
        lines.into_iter().find(|line| line["action"] == "webhook.auth.verify")
    })
    .await
}

async fn left_no_trace(review: &StackReview) {
    assert_eq!(review.rows("action", "merge_request_events").await, [] as [Value; 0]);
    assert_eq!(
        review.rows("kind", "security_review_exceptions").await,
        [] as [Value; 0]
    );
}

#[tokio::test]
async fn forged_delivery_is_rejected_and_audited_without_rows() {
    let review = StackReview::new(HIGH);
    review.shown(|_| ()).await;
    let forged = review
        .signed(&review.merge())
        .with("webhook-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let reply = review.send(&forged).await;
    assert_eq!(reply.status, 401);
    let line = audited(&review, &reply).await;
    assert_eq!(
        (&line["outcome"], &line["error"]),
        (&json!("failure"), &json!("auth_failure")),
        "{line:#}"
    );
    assert_eq!(line["details"]["reason"], "bad_signature", "{line:#}");
    assert_eq!(line["details"]["result"], "invalid");
    left_no_trace(&review).await;
}

#[tokio::test]
async fn wrong_and_missing_tokens_are_rejected() {
    let review = StackReview::new(HIGH);
    let body = review.merge().to_string().into_bytes();
    for (delivery, reason) in [
        (
            review.stack.unsigned(body.clone()).with("X-Gitlab-Token", "guessed"),
            "bad_token",
        ),
        (review.stack.unsigned(body.clone()), "missing_credentials"),
    ] {
        let reply = review.send(&delivery).await;
        assert_eq!(reply.status, 401, "{reason}");
        assert_eq!(audited(&review, &reply).await["details"]["reason"], reason);
    }
    // No downgrade: with a signature present, even the right token is never checked.
    let downgraded = review
        .signed(&review.merge())
        .with("webhook-signature", "v1,AAAA")
        .with("X-Gitlab-Token", &review.stack.secret_token);
    assert_eq!(review.send(&downgraded).await.status, 401);
    left_no_trace(&review).await;
}

#[tokio::test]
async fn legacy_token_is_accepted_but_not_as_signature() {
    let review = StackReview::new(&["backend"]);
    review.shown(|_| ()).await;
    let body = review.merge().to_string().into_bytes();
    let delivery = review
        .stack
        .unsigned(body)
        .with("X-Gitlab-Token", &review.stack.secret_token);
    let reply = review
        .send(&delivery.with("Idempotency-Key", &Uuid::now_v7().to_string()))
        .await;
    assert_eq!(reply.status, 202);
    assert_eq!(audited(&review, &reply).await["details"]["method"], "token");
    assert_eq!(review.verdict().await, "not_carried");
}

#[tokio::test]
async fn project_hook_is_rejected_for_another_project() {
    let review = StackReview::new(HIGH);
    let token = review.stack.scoped_signing_token.clone();
    let id = Uuid::now_v7().to_string();
    let reply = review
        .send(&review.stack.signed_as(&review.merge(), &id, now().as_second(), &token))
        .await;
    assert_eq!((reply.status, &reply.json()["reason"]), (403, &json!("wrong_scope")));
    assert_eq!(audited(&review, &reply).await["details"]["reason"], "wrong_scope");
    left_no_trace(&review).await;

    let iid = u64::try_from(review.began.as_millisecond()).unwrap();
    let own = StackReview::of_project(review.stack.scoped_project, iid, &["backend"]);
    own.shown(|_| ()).await;
    let id = Uuid::now_v7().to_string();
    let reply = own
        .stack
        .send(&own.stack.signed_as(&own.merge(), &id, now().as_second(), &token))
        .await;
    assert_eq!(reply.status, 202);
    assert_eq!(own.verdict().await, "not_carried");
}

#[tokio::test]
async fn stale_delivery_is_accepted_and_facts_fetched_again() {
    let review = StackReview::new(&["backend"]);
    // The old delivery shows no label; GitLab does.
    review.shown(|shown| shown["labels"] = json!(["security::high"])).await;
    let hour_ago = now().as_second() - 3600;
    let stale = review.stack.signed_as(
        &review.merge(),
        &Uuid::now_v7().to_string(),
        hour_ago,
        &review.stack.signing_token,
    );
    let reply = review.send(&stale).await;
    assert_eq!(
        (reply.status, &reply.json()["reason"]),
        (202, &json!("stale_timestamp"))
    );
    assert_eq!(review.kind().await, "no_approval");
}

#[tokio::test]
async fn authentic_deliveries_of_other_kinds_are_ignored() {
    let review = StackReview::new(HIGH);
    let pipeline = json!({"object_kind": "pipeline", "project": {"id": review.mr.project, "path_with_namespace": review.mr.path()}});
    let reply = review.send(&review.signed(&pipeline)).await;
    assert_eq!((reply.status, &reply.json()["reason"]), (200, &json!("unhandled_kind")));
    let template = review.signed(&json!("a custom webhook template can send anything"));
    let reply = review.send(&template).await;
    assert_eq!((reply.status, &reply.json()["reason"]), (200, &json!("unparseable")));
}

#[tokio::test]
async fn hostile_requests_do_not_stop_the_process() {
    let review = StackReview::new(&["backend"]);
    review.shown(|_| ()).await;
    let url = format!("{}?%zz=%ff&a=[[&=::&%00=\u{7f}", review.stack.webhook_url);
    let hostile = review
        .signed(&review.merge())
        .with("X-Forwarded-Proto", "::")
        .with("X-Forwarded-Host", "a.127.0.0.1:99999");
    let reply = request("POST", &url, &hostile.headers, &hostile.body).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let first = audited(&review, &reply).await;
    let absurd = hostile
        .with("X-Forwarded-Proto", "https, ::, %")
        .with("X-Long", &"x".repeat(6000))
        .with("Content-Type", "text/html");
    let refused = review.send(&absurd).await;
    assert_eq!(refused.status, 415, "{refused:?}");

    // Under load the emulator runs several processes of the function; eventually the first one is used again.
    eventually(PATIENCE, "another line of the same process", async || {
        let next = review.send(&review.signed(&review.merge())).await;
        assert_eq!(next.status, 202);
        let last = audited(&review, &next).await;
        let same = first["stream"]["id"] == last["stream"]["id"];
        (same && first["stream"]["seq"].as_u64() < last["stream"]["seq"].as_u64()).then_some(())
    })
    .await;
    assert_eq!(review.verdict().await, "not_carried");
}
