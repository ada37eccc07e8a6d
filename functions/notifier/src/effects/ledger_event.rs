//! A row of the ledger as an EventBridge event.
//!
//! A bus cannot be asked what it has accepted. So an attempt with a lost response is repeated, and receivers identify an event by
//! the merge request and the revision in its detail.

use super::{Applied, EffectContext, EffectError};
use crate::targets::Targets;

/// `detail-type` of the events.
const DETAIL_TYPE: &str = "SecurityReviewLedgerRow";

pub(super) async fn apply(targets: &Targets, attempt: &EffectContext<'_>) -> Result<Applied, EffectError> {
    let effect = attempt.effect;
    let record = targets.store.merge_request_record(&effect.merge_request).await?;
    let Some(row) = record.ledger else {
        return Ok(Applied::Impossible("its ledger row does not exist"));
    };
    // A later revision has its own event, which contains all of this one.
    if row["revision"].as_i64() > effect.ledger_revision {
        return Ok(Applied::Superseded {
            because: format!("revision {} of the row has its own event", row["revision"]),
        });
    }
    if attempt.dry_run {
        return Ok(Applied::Missing);
    }
    let Some(bus) = &targets.event_bus else {
        return Ok(Applied::Impossible(
            "no event bus is configured: EVENT_BUS_NAME is empty",
        ));
    };
    let put = bus.put(attempt.context, DETAIL_TYPE, row.to_string()).await;
    let external_id = put.map_err(EffectError::EventBus)?;
    Ok(Applied::Done { external_id })
}
