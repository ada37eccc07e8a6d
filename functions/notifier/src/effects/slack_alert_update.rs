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
use store::{ExceptionUpdate, UpdateDecision};

use super::slack_message::{channel, channel_of, find_posted};
use super::{Applied, EffectContext, EffectError};
use crate::targets::Targets;

/// The alert to correct.
struct Alert<'a> {
    key: &'a str,
    channel: &'a str,
    ts: &'a str,
}

/// Whether there is an alert to correct.
enum Found<'a> {
    Sent(Alert<'a>),
    /// It may be sent with the content from before the change.
    UnderWay,
    /// There is nothing to correct.
    NotSent(&'static str),
}

pub(super) async fn apply(targets: &Targets, attempt: &EffectContext<'_>) -> Result<Applied, EffectError> {
    let effect = attempt.effect;
    let Some(update) = targets.store.exception_update(effect).await? else {
        return Ok(Applied::Impossible(
            "its exception or decision does not exist: check for a deleted row",
        ));
    };
    if attempt.dry_run && !attempt.check_first {
        return Ok(Applied::Missing);
    }
    // 1. Find the alert that it corrects.
    let alert = match find_alert(&update) {
        Found::Sent(alert) => alert,
        Found::UnderWay => {
            return Ok(Applied::Waiting(
                "the alert to correct is still being sent; it will be corrected afterwards",
            ));
        }
        Found::NotSent(because) => {
            let because = because.to_owned();
            return Ok(Applied::Superseded { because });
        }
    };
    // 2. An earlier attempt may have posted the reply.
    let slack = targets.slack.as_ref().map_err(|error| attempt.failed(error.clone()))?;
    let replied = find_posted(slack, attempt, update.decision.decided_at).await;
    let replied = replied.map_err(EffectError::unchecked)?;
    if attempt.dry_run {
        return Ok(replied.map_or(Applied::Missing, |external_id| Applied::Done { external_id }));
    }
    // 3. Replace the alert.
    let correction = Correction {
        slack,
        context: attempt.context,
        effect,
        wording: &targets.rules.slack.wording,
        change: change(&update),
    };
    let corrected = correction.correct(&alert).await;
    let location = corrected.map_err(|error| EffectError::Call {
        error: error.into(),
        may_exist: replied.is_some(),
    })?;
    // 4. Post the reply.
    let external_id = match replied {
        Some(external_id) => external_id,
        None => correction
            .reply(&alert, location)
            .await
            .map_err(EffectError::not_applied)?,
    };
    Ok(Applied::Done { external_id })
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
                    "the alert is in a previously configured channel and cannot be corrected; sending only the reply"
                );
                Ok(ReplyLocation::OtherChannel)
            }
            Err(error) => Err(error),
        }
    }

    /// Posts the reply: in the alert's thread if possible, else in the channel. Returns its timestamp.
    async fn reply(&self, alert: &Alert<'_>, location: ReplyLocation) -> Result<String, CallError> {
        let (channel, key) = (channel(self.effect), &self.effect.key);
        let message = |location| exception_reply(&self.change, location, self.wording, channel, key);
        let elsewhere = match location {
            ReplyLocation::Thread => match self.slack.reply(self.context, alert.ts, message(location)).await? {
                Some(posted) => return Ok(posted.ts),
                None => ReplyLocation::Channel,
            },
            ReplyLocation::Channel | ReplyLocation::OtherChannel => location,
        };
        let posted = self.slack.post_message(self.context, &message(elsewhere)).await?;
        Ok(posted.ts)
    }
}

/// The state of the alert, and whether its content can be outdated.
fn find_alert(update: &ExceptionUpdate) -> Found<'_> {
    let Some(alert) = &update.alert else {
        return Found::NotSent("no alert was ever created for the exception");
    };
    match (alert.state, &alert.external_id) {
        (EffectState::Done, Some(ts)) => Found::Sent(Alert {
            key: &alert.key,
            channel: channel_of(&alert.destination),
            ts,
        }),
        (EffectState::Done, None) => Found::NotSent("the alert has no message to correct"),
        // A message is built when it is sent, so only one being sent can be outdated.
        (EffectState::Pending, _) => Found::NotSent("the alert has not been sent yet and will already show the change"),
        (EffectState::Leased | EffectState::Ambiguous, _) => Found::UnderWay,
        (EffectState::Suppressed, _) => Found::NotSent("the alert was suppressed by a dry run"),
        (EffectState::Superseded, _) => Found::NotSent("the alert was superseded before it was sent"),
        (EffectState::Dead, _) => Found::NotSent("the alert was rejected; if sent again, it will show the change"),
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
