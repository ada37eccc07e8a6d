//! The relay: effects whose message was lost, whose next attempt is due, or whose outcome must be looked up.

use std::time::Duration;

use audit::Context;
use jiff::SignedDuration;
use runtime::Deadline;

use super::{JobError, JobReport};
use crate::Maintenance;

/// How many are claimed at a time.
const CLAIM: u32 = 100;
/// How long a claim holds; after that an untaken effect is enqueued again.
const LEASE: SignedDuration = SignedDuration::from_mins(1);
/// Nothing is claimed or enqueued with less than this left: with the queue down, each may take seconds.
const MIN_TIME_LEFT: Duration = Duration::from_secs(5);

impl Maintenance {
    pub(crate) async fn relay_effects(
        &self,
        context: &Context,
        deadline: &Deadline,
        report: &mut JobReport,
    ) -> Result<(), JobError> {
        let app = self.checked_app(context).await?;
        while deadline.remaining() > MIN_TIME_LEFT {
            let due = app.store().claim_due_effects(self.clock.now(), CLAIM, LEASE).await?;
            if due.is_empty() {
                break;
            }
            for effect in &due {
                if deadline.remaining() < MIN_TIME_LEFT {
                    return Ok(()); // what is claimed and not enqueued comes back when its claim ends
                }
                match self.outbox.enqueue(effect).await {
                    Ok(()) => report.effects_enqueued += 1,
                    Err(error) => {
                        tracing::warn!(effect.id = %effect.id, error = %error, "enqueueing an effect failed; the next run retries it");
                        report.effects_failed += 1;
                    }
                }
            }
        }
        // This run's lines are claimed, so that the loss of its last lines is detected although messages leave no row.
        let now = self.clock.now();
        let mut tx = app.store().begin().await?;
        tx.claim_audit_lines(self.audit.position().as_slice(), now).await?;
        Ok(tx.commit().await?)
    }
}
