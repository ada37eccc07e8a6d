//! What follows from the result of an attempt: done, retried later, checked again, or given up.

use std::time::Duration;

use audit::FailureClass;
use clients::{Advice, CallError};
use jiff::Timestamp;
use runtime::aws::AwsError;
use runtime::secrets::REFRESH_AT_MOST_EVERY;
use store::{AttemptOutcome, StoreError};

use crate::effects::{Applied, EffectContext, EffectError};
use crate::{Notifier, backoff};

/// A rejected token may have just been rotated: the effect is given up only after this many attempts.
const ATTEMPTS_WITH_REJECTED_TOKEN: i32 = 4;
/// A target that rejects checks is given up after this many attempts.
const ATTEMPTS_TO_CHECK: i32 = 8;
/// Attempts to wait for a target that the rules do not name.
const ATTEMPTS_UNTIL_CONFIGURED: i32 = 4;
/// Wait between these attempts.
const WAIT_UNTIL_CONFIGURED: Duration = Duration::from_mins(10);
/// Attempts at an event bus that rejects events: a permission or the bus may be about to exist.
const ATTEMPTS_AT_EVENT_BUS: i32 = 4;

impl Notifier {
    /// The outcome to record.
    pub(crate) async fn outcome_of(
        &self,
        attempt: &EffectContext<'_>,
        applied: Result<Applied, EffectError>,
    ) -> Result<AttemptOutcome, StoreError> {
        Ok(match applied {
            Ok(Applied::Done { external_id }) => AttemptOutcome::Done { external_id },
            Ok(Applied::Missing) => AttemptOutcome::Suppressed,
            Ok(Applied::Superseded { because }) => AttemptOutcome::Superseded { because },
            Ok(Applied::Impossible(error)) => dead(FailureClass::NotFound, error.to_owned()),
            Ok(Applied::NotConfigured(target)) => self.not_configured(attempt, target),
            Ok(Applied::Waiting(error)) => self.waiting(attempt, error),
            Err(EffectError::Store(error)) => return Err(error),
            Err(EffectError::Call { error, may_exist: true }) => self.unresolved(attempt, &error).await,
            Err(EffectError::Call {
                error,
                may_exist: false,
            }) => self.failed(attempt, &error).await,
            Err(EffectError::EventBus(error)) => self.event_rejected(attempt, &error),
        })
    }

    /// During a deployment the processor may know a target that this function does not know yet: it waits some attempts.
    fn not_configured(&self, attempt: &EffectContext<'_>, target: &str) -> AttemptOutcome {
        let error = format!("the rules do not name {target}");
        if attempt.effect.attempts >= ATTEMPTS_UNTIL_CONFIGURED {
            return dead(FailureClass::NotFound, error);
        }
        AttemptOutcome::Ambiguous {
            at: self.next_attempt(attempt, Some(WAIT_UNTIL_CONFIGURED)),
            error_class: FailureClass::NotFound.to_string(),
            error,
        }
    }

    fn waiting(&self, attempt: &EffectContext<'_>, error: &str) -> AttemptOutcome {
        let at = self.next_attempt(attempt, None);
        let (error_class, error) = (FailureClass::Conflict.to_string(), error.to_owned());
        if attempt.check_first {
            AttemptOutcome::Ambiguous { at, error_class, error }
        } else {
            AttemptOutcome::Retry { at, error_class, error }
        }
    }

    /// The check failed: still unknown, so checked again later; if the target permanently rejects it, an operator must act.
    async fn unresolved(&self, attempt: &EffectContext<'_>, error: &CallError) -> AttemptOutcome {
        if error.class == FailureClass::AuthFailure {
            self.targets.refused(attempt.context).await;
        }
        if error.advice == Advice::Permanent && attempt.effect.attempts >= ATTEMPTS_TO_CHECK {
            return dead(
                error.class,
                format!("unknown whether the effect was applied: {}", error.message),
            );
        }
        AttemptOutcome::Ambiguous {
            at: self.next_attempt_after(attempt, error),
            error_class: error.class.to_string(),
            error: error.message.clone(),
        }
    }

    async fn failed(&self, attempt: &EffectContext<'_>, error: &CallError) -> AttemptOutcome {
        let at = self.next_attempt_after(attempt, error);
        let (error_class, error_text) = (error.class.to_string(), error.message.clone());
        let rejected_token =
            error.class == FailureClass::AuthFailure && attempt.effect.attempts < ATTEMPTS_WITH_REJECTED_TOKEN;
        if rejected_token {
            self.targets.refused(attempt.context).await;
        }
        match error.advice {
            Advice::Permanent if error.sent && !rejected_token => dead(error.class, error_text),
            Advice::Ambiguous if error.sent && !rejected_token => AttemptOutcome::Ambiguous {
                at,
                error_class,
                error: error_text,
            },
            _ => AttemptOutcome::Retry {
                at,
                error_class,
                error: error_text,
            },
        }
    }

    fn event_rejected(&self, attempt: &EffectContext<'_>, error: &AwsError) -> AttemptOutcome {
        if !error.is_retryable() && attempt.effect.attempts >= ATTEMPTS_AT_EVENT_BUS {
            return dead(error.class(), error.to_string());
        }
        AttemptOutcome::Retry {
            at: self.next_attempt(attempt, None),
            error_class: error.class().to_string(),
            error: error.to_string(),
        }
    }

    fn next_attempt_after(&self, attempt: &EffectContext<'_>, error: &CallError) -> Timestamp {
        let retry_after = match error.class {
            // Earlier, the secret might not be read again, and the rejected token would be sent once more.
            FailureClass::AuthFailure => REFRESH_AT_MOST_EVERY.try_into().ok(),
            _ => error.advice.after(),
        };
        self.next_attempt(attempt, retry_after)
    }

    fn next_attempt(&self, attempt: &EffectContext<'_>, retry_after: Option<Duration>) -> Timestamp {
        backoff::next_attempt(self.clock.now(), attempt.effect.attempts, retry_after)
    }
}

fn dead(class: FailureClass, error: String) -> AttemptOutcome {
    AttemptOutcome::Dead {
        error_class: class.to_string(),
        error,
    }
}
