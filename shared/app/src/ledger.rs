//! The ledger row, built from the facts.

use audit::Context;
use model::{EffectKind, EvidenceRef, Facts, GitLabAnswer, LedgerMerge, LedgerRow, Review, TimeUnknown};
use rules::Rules;
use store::{NewEffect, StoreError, StoredLedgerRow, Tx};
use uuid::Uuid;

use crate::App;
use crate::commit::{LedgerWrite, PendingCommit};
use crate::effects::new_effect;
use crate::merge::Merge;

/// Updates the row to match the verdict on the merge, unless it does already.
pub(crate) fn write_row_of_merge(
    app: &App,
    tx: &mut Tx<'_>,
    merge: &Merge<'_>,
    decision_id: Uuid,
    evidence: Option<EvidenceRef>,
    pending: &mut PendingCommit,
) -> Result<(), StoreError> {
    let stored = merge.state.row.as_ref();
    let review = match (&merge.review, stored) {
        (Some(review), _) => review.clone(),
        // A label had been seen, and GitLab shows that there was none: the row stays, and states that there was nothing to decide.
        (None, Some(stored)) => Review {
            decision: None,
            decided_at: None,
            deciding_reviewer: None,
            time_unknown: Some(TimeUnknown::NoDecision),
            service_level: None,
            proof: None,
            ..stored.row.review.clone()
        },
        (None, None) => return Ok(()),
    };
    let row = LedgerRow {
        decision_id: Some(decision_id),
        evidence,
        ..row_of(merge.facts, review, true, stored, merge.context, merge.rules)
    };
    if stored.is_some_and(|stored| stored.row.says_the_same(&row)) {
        return Ok(());
    }
    write_row(app, tx, row, stored, merge.context, pending)
}

/// Writes a row; with an event bus, one of the effects sends its event.
pub(crate) fn write_row(
    app: &App,
    tx: &mut Tx<'_>,
    row: LedgerRow,
    stored: Option<&StoredLedgerRow>,
    context: &Context,
    pending: &mut PendingCommit,
) -> Result<(), StoreError> {
    let now = app.now();
    let written = tx.write_ledger_row(&row, stored, now).later()?;
    let revision = stored.map_or(0, |stored| stored.revision).saturating_add(1);
    if let Some(bus) = &app.event_bus {
        let destination = format!("eventbridge:{bus}");
        pending.new_effects.push(NewEffect {
            ledger_revision: Some(revision),
            ..new_effect(
                EffectKind::LedgerRowEvent,
                destination,
                &row.merge_request,
                context,
                now,
            )
        });
    }
    pending.ledger = Some(LedgerWrite { row, revision, written });
    Ok(())
}

/// The row of these facts, without its decision.
pub(crate) fn row_of(
    facts: &Facts,
    review: Review,
    is_merged: bool,
    stored: Option<&StoredLedgerRow>,
    context: &Context,
    rules: &Rules,
) -> LedgerRow {
    let snapshot = facts.snapshot();
    let api = match &facts.api {
        GitLabAnswer::Full(api) => Some(api),
        _ => None,
    };
    // Known values that this read does not show are kept.
    let previous = stored.map(|stored| &stored.row);
    let text = |shown: String, previous: Option<&String>| match previous {
        Some(previous) if shown.is_empty() => previous.clone(),
        _ => shown,
    };
    let reviewers = api.and_then(|api| api.reviewers.known().cloned());
    LedgerRow {
        merge_request: facts.merge_request.clone(),
        mr_id: snapshot.mr_id,
        project_path: text(snapshot.project_path, previous.map(|previous| &previous.project_path)),
        title: text(snapshot.title, previous.map(|previous| &previous.title)),
        web_url: text(snapshot.url, previous.map(|previous| &previous.web_url)),
        author: snapshot.author.or_else(|| previous?.author.clone()),
        reviewers: reviewers
            .or_else(|| Some(previous?.reviewers.clone()))
            .unwrap_or_default(),
        merge: is_merged.then(|| LedgerMerge {
            by: snapshot.merged_by,
            method: api.and_then(|api| api.merge.merge_method.clone()),
            at: rules::stored_precision(snapshot.merged_at),
            commit_sha: snapshot.merge_commit_sha,
        }),
        head_sha: snapshot.head_sha.or_else(|| previous?.head_sha.clone()),
        review,
        rules_hash: rules.hash.clone(),
        decision_id: None,
        evidence: None,
        read_at: api.map(|api| api.read_at),
        correlation_id: context.correlation_id,
    }
}
