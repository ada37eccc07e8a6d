//! One attempt at an effect: checks first if an earlier one may have succeeded, then acts, and returns the outcome.

use audit::{Context, FailureClass};
use clients::slack::message::exception_alert;
use clients::{Advice, CallError};
use jiff::{SignedDuration, Timestamp};
use model::{Effect, EffectKind, ExceptionStatus, SecurityReviewException};
use runtime::secrets::REFRESH_AT_MOST_EVERY;
use store::{AttemptOutcome, StoreError};

use crate::worker::Worker;
use crate::{Notifier, backoff};

/// A rejected token may have just been rotated: the effect is given up only after this many attempts.
const ATTEMPTS_WITH_REFUSED_TOKEN: i32 = 4;
/// A target that rejects checks is given up after this many attempts.
const ATTEMPTS_TO_LOOK: i32 = 8;
/// Slack's clock and ours may differ by this much when a message is searched.
pub(crate) const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Notifier {
    pub(crate) async fn attempt(
        &self,
        worker: &Worker,
        context: &Context,
        effect: &Effect,
        look_first: bool,
    ) -> Result<AttemptOutcome, StoreError> {
        match effect.kind {
            EffectKind::SlackExceptionAlert => self.alert(worker, context, effect, look_first).await,
            EffectKind::SlackExceptionUpdate => self.exception_update(worker, context, effect, look_first).await,
            EffectKind::LedgerRowEvent => self.ledger_event(worker, context, effect).await,
            EffectKind::LinearIssue
            | EffectKind::JiraIssue
            | EffectKind::ConfluenceRow
            | EffectKind::SlackPodConfirmation => self.archive(worker, context, effect, look_first).await,
        }
    }

    async fn alert(
        &self,
        worker: &Worker,
        context: &Context,
        effect: &Effect,
        look_first: bool,
    ) -> Result<AttemptOutcome, StoreError> {
        let Some(exception) = exception_of(worker, effect).await? else {
            let error = "the exception it speaks of does not exist".to_owned();
            return Ok(AttemptOutcome::Dead {
                error_class: FailureClass::NotFound.to_string(),
                error,
            });
        };
        let channel = channel(effect);
        let slack = match &worker.slack {
            Ok(slack) => slack,
            // Without a check it is unknown whether the message was posted.
            Err(missing) if look_first => return Ok(self.unresolved(context, effect, missing).await),
            Err(missing) => return Ok(self.failed(context, effect, missing).await),
        };
        if look_first {
            // Nothing can exist there from before the exception was recorded.
            let oldest = exception
                .recorded_at
                .saturating_sub(CLOCK_SKEW)
                .unwrap_or(exception.recorded_at);
            match slack.find_message(context, channel, &effect.key, oldest).await {
                Ok(Some(posted)) => return Ok(AttemptOutcome::Done { external_id: posted.ts }),
                Ok(None) => (),
                Err(error) => return Ok(self.unresolved(context, effect, &error).await),
            }
        }
        if self.dry_run {
            return Ok(AttemptOutcome::Suppressed);
        }
        if exception.status == ExceptionStatus::Withdrawn {
            return Ok(AttemptOutcome::Superseded {
                because: "the exception has been withdrawn".to_owned(),
            });
        }
        let message = exception_alert(&exception, &worker.rules.slack.wording, channel, &effect.key);
        match slack.post_message(context, &message).await {
            Ok(posted) => Ok(AttemptOutcome::Done { external_id: posted.ts }),
            Err(error) => Ok(self.failed(context, effect, &error).await),
        }
    }

    /// The check failed: still unknown, so checked again later; if the target permanently rejects it, an operator must act.
    pub(crate) async fn unresolved(&self, context: &Context, effect: &Effect, error: &CallError) -> AttemptOutcome {
        if error.class == FailureClass::AuthFailure {
            self.worker.refused(context).await;
        }
        let (error_class, text) = (error.class.to_string(), error.message.clone());
        if error.advice == Advice::Permanent && effect.attempts >= ATTEMPTS_TO_LOOK {
            let error = format!("it may or may not have got through: {text}");
            return AttemptOutcome::Dead { error_class, error };
        }
        AttemptOutcome::Ambiguous {
            at: self.next(effect, error),
            error_class,
            error: text,
        }
    }

    fn next(&self, effect: &Effect, error: &CallError) -> Timestamp {
        let asked = match error.class {
            // Earlier, the secret might not be read again, and the rejected token would be sent once more.
            FailureClass::AuthFailure => REFRESH_AT_MOST_EVERY.try_into().ok(),
            _ => error.advice.after(),
        };
        backoff::next(self.clock.now(), effect.attempts, asked)
    }

    pub(crate) async fn failed(&self, context: &Context, effect: &Effect, error: &CallError) -> AttemptOutcome {
        let at = self.next(effect, error);
        let (error_class, text) = (error.class.to_string(), error.message.clone());
        let refused_token = error.class == FailureClass::AuthFailure && effect.attempts < ATTEMPTS_WITH_REFUSED_TOKEN;
        if refused_token {
            self.worker.refused(context).await;
        }
        match error.advice {
            _ if refused_token || !error.sent => AttemptOutcome::Retry {
                at,
                error_class,
                error: text,
            },
            Advice::Retry { .. } => AttemptOutcome::Retry {
                at,
                error_class,
                error: text,
            },
            Advice::Ambiguous => AttemptOutcome::Ambiguous {
                at,
                error_class,
                error: text,
            },
            Advice::Permanent => AttemptOutcome::Dead {
                error_class,
                error: text,
            },
        }
    }
}

async fn exception_of(worker: &Worker, effect: &Effect) -> Result<Option<SecurityReviewException>, StoreError> {
    let Some(id) = effect.exception_id else { return Ok(None) };
    let mut tx = worker.store.begin().await?;
    let exception = tx.exception_by_id(id).await?;
    tx.commit().await?;
    Ok(exception)
}

/// `slack:C0SECLEAD` is the channel `C0SECLEAD`.
pub(crate) fn channel(effect: &Effect) -> &str {
    channel_of(&effect.destination)
}

pub(crate) fn channel_of(destination: &str) -> &str {
    destination.strip_prefix("slack:").unwrap_or(destination)
}
