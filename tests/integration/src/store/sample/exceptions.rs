//! An exception, its alert, and everything that is recorded with it.

use model::{
    Effect, EffectKind, EventAction, ExceptionKind, ExceptionStatus, MergeRequestKey, SecurityReviewException,
};
use store::NewEffect;
use uuid::Uuid;

use super::decisions::{decision, exception_verdict};
use super::deliveries::{envelope, event};
use super::{at, seconds, user};

pub(crate) fn exception(key: &MergeRequestKey) -> SecurityReviewException {
    let verdict = exception_verdict(ExceptionKind::SelfApproved);
    SecurityReviewException {
        id: Uuid::now_v7(),
        merge_request: key.clone(),
        project_path: "harbour/crane".to_owned(),
        mr_id: 9001,
        title: "Rotate the session keys".to_owned(),
        url: "https://gitlab.example/harbour/crane/-/merge_requests/1".to_owned(),
        author: Some(user(12, "lena")),
        merged_by: None,
        labels: verdict.security_labels,
        risk_tier: verdict.risk_tier,
        kind: ExceptionKind::SelfApproved,
        reasons: verdict.reasons,
        approvals: verdict.approvals,
        merged_at: at(60),
        merge_commit_sha: None,
        head_sha: Some("4f".repeat(20)),
        rules_hash: "cd".repeat(32),
        status: ExceptionStatus::Open,
        recorded_at: at(64),
        correlation_id: Uuid::now_v7(),
    }
}

pub(crate) fn alert(key: &MergeRequestKey, exception_id: Uuid) -> NewEffect {
    NewEffect {
        kind: EffectKind::SlackExceptionAlert,
        destination: "slack:C0SECLEAD".to_owned(),
        exception_id: Some(exception_id),
        ledger_revision: None,
        decision_id: None,
        merge_request: key.clone(),
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        created_at: at(64),
        grace: seconds(60),
    }
}

/// Everything one exceptional merge writes, in one transaction, as the processor does it.
pub(crate) async fn record_exception(
    store: &store::Store,
    key: &MergeRequestKey,
    delivery: &str,
) -> (Uuid, Option<Effect>) {
    let merge = event(key.mr_iid.0, EventAction::Merge, 60);
    let mut tx = store.begin().await.unwrap();
    tx.lock_merge_request(key).await.unwrap();
    tx.insert_event(&envelope(&merge, delivery), &merge, None)
        .await
        .unwrap();
    if tx.current_decision(key).await.unwrap().is_none() {
        tx.append_decision(&decision(key, exception_verdict(ExceptionKind::SelfApproved), None))
            .await
            .unwrap();
    }
    let id = tx.upsert_exception(&exception(key)).await.unwrap();
    let effect = tx
        .insert_effects(std::slice::from_ref(&alert(key, id)))
        .await
        .unwrap()
        .pop();
    tx.commit().await.unwrap();
    (id, effect)
}
