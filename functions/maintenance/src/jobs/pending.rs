//! What waits for GitLab: first verdicts, retried until it answers or until their deadline; then reviews before the merge.

use std::time::Duration;

use app::App;
use audit::{ActorType, Context};
use jiff::SignedDuration;
use runtime::Deadline;
use store::{Evaluation, PendingReview};
use trace::SpanKind;

use super::{JobError, JobReport};
use crate::Maintenance;

/// How many are claimed at a time.
const CLAIM: u32 = 10;
/// How long a claim holds: longer than its evaluations last in sequence. If a second run claims one anyway, the merge request's
/// lock lets it find the first run's decision.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// No further one is started with less than this left.
const MIN_TIME_LEFT: Duration = Duration::from_secs(12);

/// What may be due.
#[derive(Clone, Copy)]
enum Due {
    /// Merges without a decision.
    Merges,
    Unconfirmed,
    /// Reviews before the merge.
    Reviews,
}

enum Waiting {
    Merge(Box<Evaluation>),
    Review(Box<PendingReview>),
}

impl Maintenance {
    pub(crate) async fn pending_evaluations(
        &self,
        context: &Context,
        deadline: &Deadline,
        report: &mut JobReport,
    ) -> Result<(), JobError> {
        let app = self.checked_app(context).await?;
        // Unconfirmed decisions come after new ones; the request budget limits them, and the rest is due in a minute.
        for kind in [Due::Merges, Due::Unconfirmed, Due::Reviews] {
            loop {
                let claimed = self.claim_due(&app, kind).await?;
                if claimed.is_empty() {
                    break;
                }
                for waiting in claimed {
                    if deadline.remaining() < MIN_TIME_LEFT {
                        return Ok(()); // what is claimed and not done comes back when its claim ends
                    }
                    Box::pin(self.retry_pending(&app, waiting, report)).await;
                }
            }
        }
        self.count_backlog(&app).await
    }

    async fn claim_due(&self, app: &App, kind: Due) -> Result<Vec<Waiting>, JobError> {
        let (store, now) = (app.store(), self.clock.now());
        let merges = match kind {
            Due::Merges => store.claim_due_evaluations(now, CLAIM, LEASE).await?,
            Due::Unconfirmed => store.claim_due_rereads(now, CLAIM, LEASE).await?,
            Due::Reviews => {
                let reviews = store.claim_due_reviews(now, CLAIM, LEASE).await?;
                return Ok(reviews
                    .into_iter()
                    .map(|review| Waiting::Review(Box::new(review)))
                    .collect());
            }
        };
        Ok(merges
            .into_iter()
            .map(|merge| Waiting::Merge(Box::new(merge)))
            .collect())
    }

    async fn count_backlog(&self, app: &App) -> Result<(), JobError> {
        let backlog = app.store().backlog(self.clock.now()).await?;
        for (metric, count) in [
            ("evaluations_overdue", backlog.overdue_evaluations),
            ("evaluations_waiting", backlog.pending_evaluations),
            ("evaluations_unconfirmed", backlog.unconfirmed),
            (
                "oldest_unconfirmed_decision_seconds",
                backlog.oldest_unconfirmed_seconds,
            ),
            ("merges_unjudged", backlog.merges_unjudged),
            ("never_shown", backlog.never_shown),
            ("effects_open", backlog.open_effects),
            ("effects_ambiguous", backlog.ambiguous_effects),
            ("effects_overdue", backlog.overdue_effects),
            ("effects_dead_backlog", backlog.dead_effects),
        ] {
            self.metrics.count(metric, u64::try_from(count).unwrap_or(0));
        }
        Ok(())
    }

    async fn retry_pending(&self, app: &App, mut waiting: Waiting, report: &mut JobReport) {
        let (merge_request, correlation_id, traceparent) = match &mut waiting {
            Waiting::Merge(pending) => (&pending.merge_request, pending.correlation_id, &mut pending.traceparent),
            Waiting::Review(pending) => (&pending.merge_request, pending.correlation_id, &mut pending.traceparent),
        };
        let merge_request = merge_request.to_string();
        // The retry belongs to the delivery's trace, not to this run's.
        let context = Context::new(ActorType::WebhookEvent, correlation_id).with_traceparent(traceparent.take());
        let mut span = self.tracer.begin(SpanKind::Internal, "evaluation", &context);
        span.attribute("merge_request", merge_request.as_str());
        traceparent.clone_from(&span.context(&context).traceparent);
        let done = match &waiting {
            Waiting::Merge(pending) => app::read_merge_again(app, pending).await,
            Waiting::Review(pending) => app::read_review_again(app, pending).await,
        };
        span.end(done.as_ref().err().map(|_| "failed"));
        match done {
            Ok(done) => {
                self.outbox.enqueue_all(&done.effects).await;
                self.metrics.count_by("verdicts", "outcome", done.outcome.as_str(), 1);
                for metric in done.counted() {
                    self.metrics.count(metric, 1);
                }
                let still = matches!(done.outcome, app::DeliveryOutcome::Pending { .. });
                *(if still {
                    &mut report.evaluations_pending
                } else {
                    &mut report.evaluations_judged
                }) += 1;
            }
            Err(error) => {
                tracing::error!(merge_request, error = %error, "pending evaluation failed");
                report.evaluations_failed += 1;
            }
        }
    }
}
