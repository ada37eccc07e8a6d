//! The exception of a verdict: opened, changed or withdrawn, with the effects that report it.

use model::{EffectKind, ExceptionKind, ExceptionStatus, SecurityReviewException};
use store::{NewEffect, StoreError, Tx};
use uuid::Uuid;

use crate::App;
use crate::commit::PendingCommit;
use crate::effects::new_effect;
use crate::merge::Merge;
use crate::report::ExceptionChange;

/// Updates the merge request's exception to match the verdict.
pub(crate) async fn persist_exception(
    app: &App,
    tx: &mut Tx<'_>,
    merge: &Merge<'_>,
    pending: &mut PendingCommit,
) -> Result<(), StoreError> {
    let decision = (merge.now, merge.decision_id);
    let before = merge.state.exception.as_ref();
    let Some(kind) = merge.verdict.exception() else {
        let Some(open) = before.filter(|before| before.status != ExceptionStatus::Withdrawn) else {
            return Ok(());
        };
        // 1. Withdrawn: unsent alerts are superseded, and sent ones are corrected.
        tx.withdraw_exception(&merge.facts.merge_request, merge.now).later()?;
        let because = format!("decision {} withdrew the exception", merge.decision_id);
        tx.supersede_effects(open.id, &because, merge.now).later()?;
        pending.new_effects.push(correction(app, merge, open.id));
        pending.exception = Some(ExceptionChange::of(open, None, false, decision));
        return Ok(());
    };
    // 2. Opened, or changed. The row keeps its id.
    let exception = exception_of(merge, kind, before.map_or_else(Uuid::now_v7, |before| before.id));
    tx.upsert_exception(&exception).later()?;
    pending.exception = Some(ExceptionChange::of(&exception, Some(kind), before.is_none(), decision));
    let alert = alert(app, merge, exception.id);
    // 3. A sent alert is corrected; one sent later shows the exception as it is.
    let is_changed = before.is_some_and(|before| before.status == ExceptionStatus::Withdrawn || before.kind != kind);
    if is_changed {
        let sent = tx.insert_effects(&[alert]).await?;
        if sent.is_empty() {
            pending.new_effects.push(correction(app, merge, exception.id));
        }
        pending.effects.extend(sent);
    } else {
        pending.new_effects.push(alert);
    }
    Ok(())
}

/// The update to the security lead when an exception is withdrawn, reopened or changes its kind.
fn correction(app: &App, merge: &Merge<'_>, exception_id: Uuid) -> NewEffect {
    NewEffect {
        kind: EffectKind::SlackExceptionUpdate,
        decision_id: Some(merge.decision_id),
        ..alert(app, merge, exception_id)
    }
}

fn alert(app: &App, merge: &Merge<'_>, exception_id: Uuid) -> NewEffect {
    let channel = &app.rules.slack.security_lead_channel;
    NewEffect {
        exception_id: Some(exception_id),
        ..new_effect(
            EffectKind::SlackExceptionAlert,
            format!("slack:{channel}"),
            &merge.facts.merge_request,
            merge.context,
            merge.now,
        )
    }
}

/// The exception after this decision.
fn exception_of(merge: &Merge<'_>, kind: ExceptionKind, id: Uuid) -> SecurityReviewException {
    let snapshot = merge.facts.snapshot();
    let verdict = merge.verdict;
    SecurityReviewException {
        id,
        merge_request: merge.facts.merge_request.clone(),
        project_path: snapshot.project_path,
        mr_id: snapshot.mr_id,
        title: snapshot.title,
        url: snapshot.url,
        author: snapshot.author,
        merged_by: snapshot.merged_by,
        labels: verdict.security_labels.clone(),
        risk_tier: verdict.risk_tier.clone(),
        kind,
        reasons: verdict.reasons.clone(),
        approvals: verdict.approvals.clone(),
        merged_at: snapshot.merged_at,
        merge_commit_sha: snapshot.merge_commit_sha,
        head_sha: snapshot.head_sha,
        rules_hash: merge.rules.hash.clone(),
        status: ExceptionStatus::Open,
        recorded_at: merge.now,
        correlation_id: merge.context.correlation_id,
    }
}
