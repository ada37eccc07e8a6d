//! Authentication: forged, misused and stale deliveries, hostile requests; each audited, none of them an exception.

use std::time::Duration;

use crate::local_stack::{PATIENCE, Reply, eventually, now, request};
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{HIGH, Scene};

const SOON: Duration = Duration::from_secs(10);

/// The audit line of a request, found by its correlation id.
async fn audited(scene: &Scene, reply: &Reply) -> Value {
    let id = reply.json()["correlation_id"].as_str().unwrap().to_owned();
    eventually(SOON, "the audit line", async || {
        let lines = scene
            .stack
            .log_lines(&scene.stack.log_groups.webhook, scene.began, &id)
            .await;
        lines.into_iter().find(|line| line["action"] == "webhook.auth.verify")
    })
    .await
}

async fn left_no_trace(scene: &Scene) {
    assert_eq!(scene.rows("action", "merge_request_events").await, [] as [Value; 0]);
    assert_eq!(scene.rows("kind", "security_review_exceptions").await, [] as [Value; 0]);
}

#[tokio::test]
async fn forged_delivery_is_rejected_and_audited_without_rows() {
    let scene = Scene::new(HIGH);
    scene.shown(|_| ()).await;
    let forged = scene
        .stack
        .signed(&scene.merge())
        .with("webhook-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let reply = scene.stack.send(&forged).await;
    assert_eq!(reply.status, 401);
    let line = audited(&scene, &reply).await;
    assert_eq!(
        (&line["outcome"], &line["error"]),
        (&json!("failure"), &json!("auth_failure")),
        "{line:#}"
    );
    assert_eq!(line["details"]["reason"], "bad_signature", "{line:#}");
    assert_eq!(line["details"]["result"], "invalid");
    left_no_trace(&scene).await;
}

#[tokio::test]
async fn wrong_and_missing_tokens_are_rejected() {
    let scene = Scene::new(HIGH);
    let body = scene.merge().to_string().into_bytes();
    for (delivery, reason) in [
        (
            scene.stack.unsigned(body.clone()).with("X-Gitlab-Token", "guessed"),
            "bad_token",
        ),
        (scene.stack.unsigned(body.clone()), "missing_credentials"),
    ] {
        let reply = scene.stack.send(&delivery).await;
        assert_eq!(reply.status, 401, "{reason}");
        assert_eq!(audited(&scene, &reply).await["details"]["reason"], reason);
    }
    // No downgrade: with a signature present, even the right token is never checked.
    let downgraded = scene
        .stack
        .signed(&scene.merge())
        .with("webhook-signature", "v1,AAAA")
        .with("X-Gitlab-Token", &scene.stack.secret_token);
    assert_eq!(scene.stack.send(&downgraded).await.status, 401);
    left_no_trace(&scene).await;
}

#[tokio::test]
async fn legacy_token_is_accepted_but_not_as_signature() {
    let scene = Scene::new(&["backend"]);
    scene.shown(|_| ()).await;
    let body = scene.merge().to_string().into_bytes();
    let delivery = scene
        .stack
        .unsigned(body)
        .with("X-Gitlab-Token", &scene.stack.secret_token);
    let reply = scene
        .stack
        .send(&delivery.with("Idempotency-Key", &Uuid::now_v7().to_string()))
        .await;
    assert_eq!(reply.status, 202);
    assert_eq!(audited(&scene, &reply).await["details"]["method"], "token");
    assert_eq!(scene.verdict().await, "not_carried");
}

#[tokio::test]
async fn project_hook_is_rejected_for_another_project() {
    let scene = Scene::new(HIGH);
    let token = scene.stack.scoped_signing_token.clone();
    let id = Uuid::now_v7().to_string();
    let reply = scene
        .stack
        .send(&scene.stack.signed_as(&scene.merge(), &id, now().as_second(), &token))
        .await;
    assert_eq!((reply.status, &reply.json()["reason"]), (403, &json!("wrong_scope")));
    assert_eq!(audited(&scene, &reply).await["details"]["reason"], "wrong_scope");
    left_no_trace(&scene).await;

    let iid = u64::try_from(scene.began.as_millisecond()).unwrap();
    let own = Scene::of_project(scene.stack.scoped_project, iid, &["backend"]);
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
    let scene = Scene::new(&["backend"]);
    // The old delivery shows no label; GitLab does.
    scene.shown(|shown| shown["labels"] = json!(["security::high"])).await;
    let hour_ago = now().as_second() - 3600;
    let stale = scene.stack.signed_as(
        &scene.merge(),
        &Uuid::now_v7().to_string(),
        hour_ago,
        &scene.stack.signing_token,
    );
    let reply = scene.stack.send(&stale).await;
    assert_eq!(
        (reply.status, &reply.json()["reason"]),
        (202, &json!("stale_timestamp"))
    );
    assert_eq!(scene.kind().await, "no_approval");
}

#[tokio::test]
async fn authentic_deliveries_of_other_kinds_are_ignored() {
    let scene = Scene::new(HIGH);
    let push =
        json!({"object_kind": "push", "project": {"id": scene.mr.project, "path_with_namespace": scene.mr.path()}});
    let reply = scene.stack.send(&scene.stack.signed(&push)).await;
    assert_eq!((reply.status, &reply.json()["reason"]), (200, &json!("unhandled_kind")));
    let template = scene
        .stack
        .signed(&json!("a custom webhook template can send anything"));
    let reply = scene.stack.send(&template).await;
    assert_eq!((reply.status, &reply.json()["reason"]), (200, &json!("unparseable")));
}

#[tokio::test]
async fn hostile_requests_do_not_stop_the_process() {
    let scene = Scene::new(&["backend"]);
    scene.shown(|_| ()).await;
    let url = format!("{}?%zz=%ff&a=[[&=::&%00=\u{7f}", scene.stack.webhook_url);
    let hostile = scene
        .stack
        .signed(&scene.merge())
        .with("X-Forwarded-Proto", "::")
        .with("X-Forwarded-Host", "a.127.0.0.1:99999");
    let reply = request("POST", &url, &hostile.headers, &hostile.body).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let first = audited(&scene, &reply).await;
    let absurd = hostile
        .with("X-Forwarded-Proto", "https, ::, %")
        .with("X-Long", &"x".repeat(6000))
        .with("Content-Type", "text/html");
    let refused = scene.stack.send(&absurd).await;
    assert_eq!(refused.status, 415, "{refused:?}");

    // Under load the emulator runs several processes of the function; eventually the first one is used again.
    eventually(PATIENCE, "another line of the same process", async || {
        let next = scene.stack.send(&scene.stack.signed(&scene.merge())).await;
        assert_eq!(next.status, 202);
        let last = audited(&scene, &next).await;
        let same = first["stream"]["id"] == last["stream"]["id"];
        (same && first["stream"]["seq"].as_u64() < last["stream"]["seq"].as_u64()).then_some(())
    })
    .await;
    assert_eq!(scene.verdict().await, "not_carried");
}
