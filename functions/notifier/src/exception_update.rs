//! Corrects the alert about an exception that a later decision changed: the message itself, and a reply that describes the change.
//!
//! Both steps may be repeated. Replacing a message by the same content changes nothing; the reply carries the effect's key, which
//! is searched in the channel if an earlier attempt may have posted it.

use audit::{Context, FailureClass};
use clients::slack::message::{ReplyLocation, ReportedChange, ReportedDecision, corrected_alert, exception_reply};
use clients::slack::{Corrected, Slack};
use clients::{Advice, CallError};
use model::{Effect, EffectState};
use rules::Wording;
use store::{AttemptOutcome, ExceptionUpdate, StoreError, UpdateDecision};

use crate::attempt::{CLOCK_SKEW, channel, channel_of};
use crate::worker::Worker;
use crate::{Notifier, backoff};

/// The alert to correct.
struct Alert<'a> {
    key: &'a str,
    channel: &'a str,
    ts: &'a str,
}

/// Whether there is an alert to correct.
enum Found<'a> {
    Sent(Alert<'a>),
    /// It may be sent with its content before the change.
    UnderWay,
    /// There is nothing to correct.
    NotSent(&'static str),
}

impl Notifier {
    pub(crate) async fn exception_update(
        &self,
        worker: &Worker,
        context: &Context,
        effect: &Effect,
        look_first: bool,
    ) -> Result<AttemptOutcome, StoreError> {
        let Some(update) = worker.store.exception_update(effect).await? else {
            return Ok(AttemptOutcome::Dead {
                error_class: FailureClass::NotFound.to_string(),
                error: "its exception or its decision does not exist: look for a row that was removed".to_owned(),
            });
        };
        if self.dry_run && !look_first {
            return Ok(AttemptOutcome::Suppressed);
        }
        let alert = match find_alert(&update) {
            Found::Sent(alert) => alert,
            Found::UnderWay => return Ok(self.wait_for_alert(effect, look_first)),
            Found::NotSent(because) => {
                let because = because.to_owned();
                return Ok(AttemptOutcome::Superseded { because });
            }
        };
        // If a reply was searched and may exist, only another check shows whether it is missing.
        let ended = async |error: &CallError, look_again: bool| {
            if look_again {
                self.unresolved(context, effect, error).await
            } else {
                self.failed(context, effect, error).await
            }
        };
        let slack = match &worker.slack {
            Ok(slack) => slack,
            Err(missing) => return Ok(ended(missing, look_first).await),
        };
        let mut replied = None;
        if look_first {
            // No reply can exist from before the decision was made.
            let decided = update.decision.decided_at;
            let oldest = decided.saturating_sub(CLOCK_SKEW).unwrap_or(decided);
            replied = match slack.find_message(context, channel(effect), &effect.key, oldest).await {
                Ok(found) => found,
                Err(error) => return Ok(ended(&error, true).await),
            };
        }
        if self.dry_run {
            return Ok(
                replied.map_or(AttemptOutcome::Suppressed, |reply| AttemptOutcome::Done {
                    external_id: reply.ts,
                }),
            );
        }
        let correction = Correction {
            slack,
            context,
            effect,
            wording: &worker.rules.slack.wording,
            change: change(&update),
        };
        let place = match correction.correct(&alert).await {
            Ok(place) => place,
            Err(error) => return Ok(ended(&error, replied.is_some()).await),
        };
        if let Some(reply) = replied {
            return Ok(AttemptOutcome::Done { external_id: reply.ts });
        }
        Ok(match correction.reply(&alert, place).await {
            Ok(external_id) => AttemptOutcome::Done { external_id },
            Err(error) => ended(&error, false).await,
        })
    }

    fn wait_for_alert(&self, effect: &Effect, look_first: bool) -> AttemptOutcome {
        let at = backoff::next(self.clock.now(), effect.attempts, None);
        let error_class = FailureClass::Conflict.to_string();
        let error = "the alert that it corrects is being sent; it is corrected afterwards".to_owned();
        if look_first {
            AttemptOutcome::Ambiguous { at, error_class, error }
        } else {
            AttemptOutcome::Retry { at, error_class, error }
        }
    }
}

/// One correction at Slack.
struct Correction<'a> {
    slack: &'a Slack,
    context: &'a Context,
    effect: &'a Effect,
    wording: &'a Wording,
    change: ReportedChange<'a>,
}

impl Correction<'_> {
    /// Replaces the alert by the current content, and returns where to post the reply.
    async fn correct(&self, alert: &Alert<'_>) -> Result<ReplyLocation, CallError> {
        let is_here = alert.channel == channel(self.effect);
        let (exception, mark) = (self.change.exception, self.change.mark());
        let message = corrected_alert(exception, mark, self.wording, alert.channel, alert.key);
        match self.slack.update_message(self.context, alert.ts, &message).await {
            Ok(Corrected::Done) if is_here => Ok(ReplyLocation::Thread),
            Ok(Corrected::Unchangeable) if is_here => Ok(ReplyLocation::Channel),
            Ok(Corrected::Done | Corrected::Unchangeable) => Ok(ReplyLocation::OtherChannel),
            // The rules now name another channel, and the bot may have left this one: the reply matters more.
            Err(error) if !is_here && error.advice == Advice::Permanent && error.class != FailureClass::AuthFailure => {
                tracing::warn!(
                    effect.key = self.effect.key,
                    error = error.message,
                    "an alert in an earlier channel cannot be corrected; only the reply is sent"
                );
                Ok(ReplyLocation::OtherChannel)
            }
            Err(error) => Err(error),
        }
    }

    /// Posts the reply: in the alert's thread if possible, else in the channel. Returns its timestamp.
    async fn reply(&self, alert: &Alert<'_>, place: ReplyLocation) -> Result<String, CallError> {
        let (channel, key) = (channel(self.effect), &self.effect.key);
        let message = |place| exception_reply(&self.change, place, self.wording, channel, key);
        let elsewhere = match place {
            ReplyLocation::Thread => match self.slack.reply(self.context, alert.ts, message(place)).await? {
                Some(posted) => return Ok(posted.ts),
                None => ReplyLocation::Channel,
            },
            ReplyLocation::Channel | ReplyLocation::OtherChannel => place,
        };
        let posted = self.slack.post_message(self.context, &message(elsewhere)).await?;
        Ok(posted.ts)
    }
}

/// The state of the alert, and whether its content can be outdated.
fn find_alert(update: &ExceptionUpdate) -> Found<'_> {
    let Some(alert) = &update.alert else {
        return Found::NotSent("no alert was ever made for the exception");
    };
    match (alert.state, &alert.external_id) {
        (EffectState::Done, Some(ts)) => Found::Sent(Alert {
            key: &alert.key,
            channel: channel_of(&alert.destination),
            ts,
        }),
        (EffectState::Done, None) => Found::NotSent("the alert has no message that could be corrected"),
        // A message is built when it is sent, so only one being sent can be outdated.
        (EffectState::Pending, _) => Found::NotSent("the alert is not sent yet, and will show the change"),
        (EffectState::Leased | EffectState::Ambiguous, _) => Found::UnderWay,
        (EffectState::Suppressed, _) => Found::NotSent("the alert was suppressed by a dry run"),
        (EffectState::Superseded, _) => Found::NotSent("the alert was superseded before it was sent"),
        (EffectState::Dead, _) => Found::NotSent("the alert was rejected; sent again, it shows the change"),
    }
}

fn change(update: &ExceptionUpdate) -> ReportedChange<'_> {
    ReportedChange {
        exception: &update.exception,
        decision: reported(&update.decision),
        before: update.before.as_ref().map(reported),
        is_changed_again: update.is_changed_again,
    }
}

fn reported(decision: &UpdateDecision) -> ReportedDecision<'_> {
    ReportedDecision {
        id: decision.id,
        verdict: &decision.verdict,
        confirmed: decision.confirmed,
        decided_at: decision.decided_at,
    }
}
