//! The previous release's programs on this version's schema: during a deployment, and after its rollback.

use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use model::{Clock as _, Content, Effect, Envelope, SystemClock};
use serde_json::{Value, json};

use super::decisions::{current, decided};
use super::filled::{UNDECIDED, fill, labelled};
use super::later::assert_what_waited_is_decided;
use super::lives::{LIVES, late};
use super::release::Release;
use crate::env::{ALICE, AUTHOR, TestEnv, WEBHOOK_SECRET, envelope};
use crate::outbox::{batch, message, relay};

#[tokio::test]
async fn this_schema_takes_what_the_previous_release_writes() {
    let release = Release::on_this_schema().await;
    fill(&release).await;
    let env = &release.env;
    assert_eq!(current(&release.database().store()).await, decided());
    let odd = "quarantined_deliveries WHERE reason <> 'object_attributes.iid is missing'";
    assert_eq!(count(env, odd).await, 0);
    assert_eq!(
        count(
            env,
            "security_review_decisions WHERE confirmed IS NOT NULL OR evaluator <> 1"
        )
        .await,
        0
    );
    assert_what_waited_is_decided(&release).await;
}

#[tokio::test]
async fn the_previous_release_decides_what_it_saw_merged() {
    let release = Release::on_this_schema().await;
    let processor = release.start("processor").await;
    let mr = labelled(UNDECIDED);
    release.shown(&mr, |_| ());
    release.deliver(&processor, &late(&mr, &release)).await;
    let env = &release.env;
    let waits = "evaluations WHERE state = 'pending' AND source = 'review' AND next_attempt_at > now()";
    assert_eq!(env.count(waits, &mr).await, 1, "its own delivery goes first");
    release.as_owner("UPDATE evaluations SET next_attempt_at = now()").await;
    let maintenance = release.start("maintenance").await;
    let report = maintenance
        .invoke(json!({"jobs": ["pending_evaluations", "relay_effects"]}))
        .await;
    assert_eq!(report["evaluations_judged"], 1, "{report}");
    assert_eq!(env.exception(&mr).await.unwrap().0, "no_approval");
    assert_eq!(count(env, "security_review_unjudged").await, 0);
}

#[tokio::test]
async fn decisions_of_this_version_are_left_alone() {
    let release = Release::on_this_schema().await;
    let env = &release.env;
    env.clock.set(SystemClock.now());
    for life in LIVES {
        life.lived(&release, async |payload| drop(env.deliver(&payload).await))
            .await;
    }
    let store = release.database().store();
    let mut expected = current(&store).await;
    assert_eq!(expected.len(), LIVES.len() - 1, "one waits for a second reading");
    let processor = release.start("processor").await;
    for life in LIVES {
        let mr = life.mr();
        release.merge(&processor, &mr).await;
        release.deliver(&processor, &late(&mr, &release)).await;
    }
    // The previous release does not re-read after a contradicting event.
    expected.insert(15, "approval_revoked");
    assert_eq!(current(&store).await, expected);
    assert_eq!(count(env, "quarantined_deliveries").await, 0);
    assert_eq!(
        count(env, "security_review_decisions WHERE evaluator = 1 AND stage = 'merge'").await,
        1
    );
    assert_eq!(count(env, "evaluations WHERE state <> 'done'").await, 0);
}

#[tokio::test]
async fn either_version_ends_an_unconfirmed_decision() {
    let release = Release::on_this_schema().await;
    let env = &release.env;
    env.clock.set(SystemClock.now());
    let mr = labelled(1);
    let merge = mr.event("merge", AUTHOR, release.merged_at);
    assert_eq!(env.deliver(&merge).await.outcome.as_str(), "exception");
    assert_eq!(count(env, "security_review_unconfirmed").await, 1);
    release.shown(&mr, |shown| {
        shown.approved(ALICE, &release.text(-120));
    });
    let processor = release.start("processor").await;
    release.deliver(&processor, &merge).await;
    assert_eq!(env.exception(&mr).await.unwrap().1, "withdrawn");
    // The remaining schedule finds nothing to change.
    assert_eq!(count(env, "security_review_unconfirmed").await, 1);
    env.clock.pass(SignedDuration::from_mins(2));
    assert_eq!(env.maintain().await, ["unchanged"]);
    assert_eq!(count(env, "security_review_unconfirmed").await, 0);
    assert_eq!(count(env, "evaluations WHERE state <> 'done'").await, 0);
    assert_eq!(env.count("security_review_decisions WHERE true", &mr).await, 2);
}

/// During a deployment or after its rollback: such a message waits for a function that can read it.
#[tokio::test]
async fn previous_release_leaves_later_contents_queued() {
    let release = Release::on_this_schema().await;
    let later = Envelope {
        version: Envelope::NEWEST,
        content: Content::GitlabAudit { events: Vec::new() },
        ..envelope(&labelled(1).event("open", AUTHOR, release.merged_at), "later")
    };
    let processor = release.start("processor").await;
    let answer = processor
        .invoke(batch(&serde_json::to_string(&later).unwrap(), "later", 1))
        .await;
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(count(&release.env, "quarantined_deliveries").await, 0);
}

/// The secret of this version has lists that the previous release does not know, and a known list with more fields.
#[tokio::test]
async fn previous_release_reads_the_secret_of_this_version() {
    let release = Release::on_this_schema().await;
    let token = "a-token-of-the-previous-release";
    let secret = json!({
        "hooks": [{"name": "main", "instance": "main", "secret_tokens": [token]}],
        "audit_producers": [{"name": "agent", "key": "a-key-of-16-signs", "services": ["copilot-agent"], "registers": false}],
        "gitlab_streams": [{"name": "main", "token": "a-token-of-16-signs", "instance": "main"}],
    });
    release
        .env
        .aws()
        .put_secret(WEBHOOK_SECRET, "AWSCURRENT", secret.to_string());
    let webhook = release.start("webhook").await;
    let body = json!({"object_kind": "pipeline"}).to_string();
    let event = json!({
        "version": "2.0", "routeKey": "POST /webhook", "rawPath": "/webhook", "rawQueryString": "",
        "headers": {"content-type": "application/json", "x-gitlab-token": token},
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/webhook", "sourceIp": "203.0.113.7"}},
        "body": body, "isBase64Encoded": false,
    });
    let answer = webhook.invoke(event).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
}

#[tokio::test]
async fn an_event_it_cannot_process_is_kept_whole() {
    let release = Release::on_this_schema().await;
    let (env, mr) = (&release.env, labelled(1));
    release.shown(&mr, |shown| {
        shown.approved(ALICE, &release.text(-120));
    });
    // A note that the previous release does not know: it cannot read the decision.
    for (action, actor, second) in [("unapproved", ALICE, -100), ("merge", AUTHOR, 0)] {
        env.clock.set(release.at_second(second + 2));
        let payload = mr.event(action, actor, release.at_second(second));
        env.deliver(&payload).await;
    }
    assert_eq!(
        count(
            env,
            "security_review_decisions WHERE 'revocation_not_confirmed' = ANY (notes)"
        )
        .await,
        1
    );
    let processor = release.start("processor").await;
    release.deliver(&processor, &late(&mr, &release)).await;
    assert_eq!(
        count(env, "quarantined_deliveries WHERE content ->> 'action' = 'update'").await,
        1
    );
    let other = labelled(2);
    release.shown(&other, |_| ());
    release.merge(&processor, &other).await;
    assert_eq!(env.exception(&other).await.unwrap().0, "no_approval");
    assert_eq!(env.exception(&mr).await, None);
}

/// An exception that this version has withdrawn, with its alert's correction; and the alert about another merge.
async fn correction_and_alert(release: &Release) -> (Effect, Effect) {
    let env = &release.env;
    env.clock.set(SystemClock.now());
    let [withdrawn, other] = [1, 2].map(labelled);
    let merge = |mr: &MergeRequest| mr.event("merge", AUTHOR, release.merged_at);
    env.deliver(&merge(&withdrawn)).await;
    release.shown(&withdrawn, |shown| {
        shown.approved(ALICE, &release.text(-120));
    });
    let mut corrected = env.deliver(&merge(&withdrawn)).await.effects;
    corrected.retain(|effect| effect.kind.as_str() == "slack_exception_update");
    release.shown(&other, |_| ());
    let mut alerted = env.deliver(&merge(&other)).await.effects;
    alerted.retain(|effect| effect.kind.as_str() == "slack_exception_alert");
    (corrected.remove(0), alerted.remove(0))
}

#[tokio::test]
async fn its_relay_leaves_unknown_kinds_alone() {
    let release = Release::on_this_schema().await;
    let (correction, alert) = correction_and_alert(&release).await;
    let env = &release.env;
    release
        .as_owner("DELETE FROM effects WHERE kind NOT LIKE 'slack_exception%'")
        .await;
    for effect in [&correction, &alert] {
        env.make_due(effect.id).await;
    }
    let before = env.effect_row(correction.id).await;
    let maintenance = release.start("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    assert_eq!(env.effect_row(correction.id).await, before, "due as it was");
    // An operator's request for it is not a claim, and this version's relay takes it.
    let sql = format!(
        "UPDATE effects SET next_attempt_at = now(), updated_at = now() WHERE id = '{}'",
        correction.id
    );
    release.as_owner(&sql).await;
    assert_ne!(env.effect_row(correction.id).await, before);
    let maintenance = env.function("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
}

#[tokio::test]
async fn its_notifier_sends_others_beside_unknown_kinds() {
    let release = Release::on_this_schema().await;
    let (correction, alert) = correction_and_alert(&release).await;
    let env = &release.env;
    let before = env.effect_row(correction.id).await;
    let mut records = message(&correction, 0);
    let [unknown, known] = [&correction, &alert].map(|effect| message(effect, 0)["Records"][0].clone());
    let failed = unknown["messageId"].clone();
    records["Records"] = Value::from(vec![in_group(unknown, "other"), known]);
    let notifier = release.start("notifier").await;
    let answer = notifier.invoke(records).await;
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": failed}]}),
        "SQS redelivers it"
    );
    assert_eq!(env.effect_row(alert.id).await.state, "done");
    assert_eq!(env.effect_row(correction.id).await, before);
}

fn in_group(mut record: Value, group: &str) -> Value {
    record["attributes"]["MessageGroupId"] = json!(group);
    record
}

async fn count(env: &TestEnv, what: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {what}");
    env.value(&sql).await
}
