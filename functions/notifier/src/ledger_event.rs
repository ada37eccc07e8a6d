//! A row of the ledger as an EventBridge event.
//!
//! A bus cannot be asked what it has accepted. So an attempt with a lost response is repeated, and receivers identify an event by
//! the merge request and the revision in its detail.

use audit::{Context, FailureClass};
use model::Effect;
use store::{AttemptOutcome, StoreError};

use crate::worker::Worker;
use crate::{Notifier, backoff};

/// `detail-type` of the events.
const DETAIL_TYPE: &str = "SecurityReviewLedgerRow";
/// A rejection that an operator must fix gets this many attempts: a permission or a bus may be about to exist.
const ATTEMPTS_WHEN_REFUSED: i32 = 4;

impl Notifier {
    pub(crate) async fn ledger_event(
        &self,
        worker: &Worker,
        context: &Context,
        effect: &Effect,
    ) -> Result<AttemptOutcome, StoreError> {
        let row = worker.store.merge_request_record(&effect.merge_request).await?.ledger;
        let Some(row) = row else {
            return Ok(dead(FailureClass::NotFound, "the row it tells of does not exist"));
        };
        // A later revision has its own event, which contains all of this one.
        if row["revision"].as_i64() > effect.ledger_revision {
            return Ok(AttemptOutcome::Superseded {
                because: format!("revision {} of the row has an event of its own", row["revision"]),
            });
        }
        if self.dry_run {
            return Ok(AttemptOutcome::Suppressed);
        }
        let Some(bus) = &worker.event_bus else {
            return Ok(dead(
                FailureClass::NotFound,
                "no bus is configured any more: EVENT_BUS_NAME is empty",
            ));
        };
        let error = match bus.put(context, DETAIL_TYPE, row.to_string()).await {
            Ok(external_id) => return Ok(AttemptOutcome::Done { external_id }),
            Err(error) => error,
        };
        if !error.is_retryable() && effect.attempts >= ATTEMPTS_WHEN_REFUSED {
            return Ok(dead(error.class(), &error.to_string()));
        }
        Ok(AttemptOutcome::Retry {
            at: backoff::next(self.clock.now(), effect.attempts, None),
            error_class: error.class().to_string(),
            error: error.to_string(),
        })
    }
}

fn dead(class: FailureClass, error: &str) -> AttemptOutcome {
    AttemptOutcome::Dead {
        error_class: class.to_string(),
        error: error.to_owned(),
    }
}
