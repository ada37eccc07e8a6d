//! What waits for GitLab: first verdicts, retried until it answers or until their deadline; then reviews before the merge.

use std::time::Duration;

use app::App;
use audit::{ActorType, Context};
use jiff::SignedDuration;
use runtime::Deadline;
use store::{Evaluation, PendingReview};
use trace::SpanKind;

use super::{JobError, Report};
use crate::Maintenance;

/// How many are claimed at a time.
const CLAIM: u32 = 10;
/// How long a claim holds: longer than its evaluations take in sequence. If a second run claims one anyway, the merge request's
/// lock lets it find the first run's decision.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// No further one is started with less than this left.
const ENOUGH: Duration = Duration::from_secs(12);

enum Waiting {
    Merge(Box<Evaluation>),
    Review(Box<PendingReview>),
}

impl Maintenance {
    pub(crate) async fn pending_evaluations(
        &self,
        context: &Context,
        deadline: &Deadline,
        report: &mut Report,
    ) -> Result<(), JobError> {
        let app = self.app.get(context).await?;
        app.store().check_schema().await?;
        loop {
            let due = app
                .store()
                .claim_due_evaluations(self.clock.now(), CLAIM, LEASE)
                .await?;
            if due.is_empty() {
                break;
            }
            for pending in due {
                if deadline.remaining() < ENOUGH {
                    return Ok(()); // what is claimed and not done comes back when its claim ends
                }
                Box::pin(self.one(&app, Waiting::Merge(Box::new(pending)), report)).await;
            }
        }
        // Unconfirmed decisions come after new ones; the request budget limits them, and the rest is due in a minute.
        loop {
            let due = app.store().claim_due_rereads(self.clock.now(), CLAIM, LEASE).await?;
            if due.is_empty() {
                break;
            }
            for unconfirmed in due {
                if deadline.remaining() < ENOUGH {
                    return Ok(());
                }
                Box::pin(self.one(&app, Waiting::Merge(Box::new(unconfirmed)), report)).await;
            }
        }
        loop {
            let due = app.store().claim_due_reviews(self.clock.now(), CLAIM, LEASE).await?;
            if due.is_empty() {
                break;
            }
            for pending in due {
                if deadline.remaining() < ENOUGH {
                    return Ok(());
                }
                Box::pin(self.one(&app, Waiting::Review(Box::new(pending)), report)).await;
            }
        }
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

    async fn one(&self, app: &App, mut waiting: Waiting, report: &mut Report) {
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
                tracing::error!(merge_request, error = %error, "a pending evaluation failed");
                report.evaluations_failed += 1;
            }
        }
    }
}
