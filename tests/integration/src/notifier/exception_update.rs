//! Corrections of an alert after the exception was withdrawn, reopened or changed its kind.

mod ambiguous;
mod content;
mod place;
mod waiting;

use doubles::slack::Message;
use model::{
    ApprovalSeen, Effect, EffectKind, ExceptionKind, ExceptionStatus, Proof, Reason, User, UserId, Verdict,
    VerdictOutcome,
};
use store::{NewDecision, NewEffect, StoredDecision};
use uuid::Uuid;

use crate::env::{TestEnv, at, key};
use crate::function::Function;
use crate::outbox::unapproved;

/// The environment with the alert of the unapproved merge request 1 sent.
async fn alerted() -> (TestEnv, Function, Effect) {
    let env = TestEnv::with_functions().await;
    let alert = env.effect(1).await;
    let notifier = env.function("notifier").await;
    assert_eq!(env.attempt(&notifier, &alert).await.state, "done");
    (env, notifier, alert)
}

fn exceptional(kind: ExceptionKind) -> VerdictOutcome {
    VerdictOutcome::Exception { kind }
}

fn approved() -> VerdictOutcome {
    VerdictOutcome::Approved { proof: Proof::Api }
}

fn verdict(outcome: VerdictOutcome, like: &Verdict) -> Verdict {
    let detail = |kind| Reason {
        kind,
        detail: "sec-alice <!here> approved".to_owned(),
    };
    let valid = ApprovalSeen {
        user: User {
            id: UserId(501),
            username: "sec-alice".to_owned(),
        },
        approved_at: Some(at("10:00:00")),
        in_api: true,
        in_history: false,
        against: Vec::new(),
    };
    let mut verdict = Verdict {
        outcome,
        ..like.clone()
    };
    verdict.reasons = verdict.exception().map(detail).into_iter().collect();
    verdict.approvals = match verdict.outcome {
        VerdictOutcome::Approved { .. } => vec![valid],
        _ => Vec::new(),
    };
    verdict
}

/// Decides the merge of merge request 1 again, as the evaluator does, and returns the effect that corrects the alert.
async fn decide(env: &TestEnv, outcome: VerdictOutcome) -> Effect {
    decide_for(env, outcome, "slack:C0SECLEAD").await
}

async fn decide_for(env: &TestEnv, outcome: VerdictOutcome, destination: &str) -> Effect {
    let (merge_request, now) = (key(&unapproved(1)), at("12:31:00"));
    let mut tx = env.app().store().begin().await.unwrap();
    let before = tx.current_decision(&merge_request).await.unwrap().unwrap();
    let mut exception = tx.exception(&merge_request).await.unwrap().unwrap();
    let verdict = verdict(outcome, &before.verdict);
    let decision = tx
        .append_decision(&superseding(&before, verdict.clone()))
        .await
        .unwrap();
    match verdict.exception() {
        None => drop(tx.withdraw_exception(&merge_request, now).await.unwrap()),
        Some(kind) => {
            (exception.kind, exception.reasons) = (kind, verdict.reasons);
            exception.status = ExceptionStatus::Open;
            tx.upsert_exception(&exception).await.unwrap();
        }
    }
    let effect = NewEffect {
        kind: EffectKind::SlackExceptionUpdate,
        destination: destination.to_owned(),
        exception_id: Some(exception.id),
        ledger_revision: None,
        decision_id: Some(decision),
        merge_request,
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        created_at: now,
        grace: jiff::SignedDuration::ZERO,
    };
    let effect = tx
        .insert_effects(std::slice::from_ref(&effect))
        .await
        .unwrap()
        .pop()
        .unwrap();
    tx.commit().await.unwrap();
    effect
}

fn superseding(before: &StoredDecision, verdict: Verdict) -> NewDecision {
    NewDecision {
        id: Uuid::now_v7(),
        facts: before.facts.clone(),
        verdict,
        review: None,
        rules_hash: before.rules_hash.clone(),
        evidence: None,
        confirmed: true,
        evaluator: 2,
        merged_at: None,
        merge_commit_sha: None,
        supersedes: Some(before.id),
        decided_at: at("12:31:00"),
        recorded_at: at("12:31:00"),
        correlation_id: Uuid::now_v7(),
    }
}

/// The messages with the effect's key.
fn replies(env: &TestEnv, effect: &Effect) -> Vec<Message> {
    let mut messages = env.slack().messages();
    messages.retain(|message| message.metadata.as_ref().unwrap()["event_payload"]["key"] == effect.key.as_str());
    messages
}

/// The first line of the alert as the channel shows it.
fn first_line(env: &TestEnv) -> String {
    let alert = env.slack().messages().remove(0);
    alert.blocks[0]["text"]["text"].as_str().unwrap().to_owned()
}
