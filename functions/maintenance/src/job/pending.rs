//! Pending evaluations: GitLab was not readable at the merge; tried again until it is, or until the deadline.

use std::time::Duration;

use audit::{ActorType, Context};
use jiff::SignedDuration;
use runtime::Deadline;
use trace::Kind;

use super::{JobError, Report};
use crate::Maintenance;

/// How many are claimed at a time.
const CLAIM: u32 = 10;
/// How long a claim holds: longer than its evaluations take one after the other. Should a second run come upon one all the same, the
/// merge request's lock lets it find the first one's decision.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// Work on another one is not begun with less than this left.
const ENOUGH: Duration = Duration::from_secs(12);

impl Maintenance {
    pub(crate) async fn pending_evaluations(
        &self,
        context: &Context,
        deadline: &Deadline,
        report: &mut Report,
    ) -> Result<(), JobError> {
        let evaluator = self.evaluator.get(context).await?;
        evaluator.store().check_schema().await?;
        loop {
            let due = evaluator
                .store()
                .claim_due_evaluations(self.clock.0.now(), CLAIM, LEASE)
                .await?;
            if due.is_empty() {
                break;
            }
            for mut pending in due {
                if deadline.remaining() < ENOUGH {
                    return Ok(()); // what is claimed and not done comes back when its claim ends
                }
                // The retry belongs to the delivery's trace, not to this run's.
                let waiting = Context::new(ActorType::WebhookEvent, pending.correlation_id)
                    .with_traceparent(pending.traceparent.take());
                let mut span = self.tracer.begin(Kind::Internal, "evaluation", &waiting);
                span.attribute("merge_request", pending.merge_request.to_string().as_str());
                pending.traceparent.clone_from(&span.context(&waiting).traceparent);
                let done = evaluator.retry(&pending).await;
                span.end(done.as_ref().err().map(|_| "failed"));
                match done {
                    Ok(done) => {
                        self.outbox.enqueue_all(&done.effects).await;
                        self.metrics.count_by("verdicts", "outcome", done.outcome.as_str(), 1);
                        for metric in done.counted() {
                            self.metrics.count(metric, 1);
                        }
                        let still = matches!(done.outcome, evaluation::Outcome::Pending { .. });
                        *(if still {
                            &mut report.evaluations_pending
                        } else {
                            &mut report.evaluations_judged
                        }) += 1;
                    }
                    Err(error) => {
                        tracing::error!(merge_request = %pending.merge_request, error = %error, "a pending evaluation failed");
                        report.evaluations_failed += 1;
                    }
                }
            }
        }
        let backlog = evaluator.store().backlog(self.clock.0.now()).await?;
        for (metric, count) in [
            ("evaluations_overdue", backlog.overdue_evaluations),
            ("effects_overdue", backlog.overdue_effects),
            ("effects_dead_backlog", backlog.dead_effects),
        ] {
            self.metrics.count(metric, u64::try_from(count).unwrap_or(0));
        }
        Ok(())
    }
}
