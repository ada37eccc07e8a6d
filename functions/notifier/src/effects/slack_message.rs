//! Finding the message of an earlier attempt, and the channel of an effect.

use clients::CallError;
use clients::slack::Slack;
use jiff::{SignedDuration, Timestamp};
use model::Effect;

use super::EffectContext;

/// Slack's clock and ours may differ by this much when a message is searched.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The timestamp of the message that an earlier attempt posted, if one may have. No message can exist from before `since`.
pub(super) async fn find_posted(
    slack: &Slack,
    attempt: &EffectContext<'_>,
    since: Timestamp,
) -> Result<Option<String>, CallError> {
    if !attempt.check_first {
        return Ok(None);
    }
    let oldest = since.saturating_sub(CLOCK_SKEW).unwrap_or(since);
    let (context, effect) = (attempt.context, attempt.effect);
    let found = slack
        .find_message(context, channel(effect), &effect.key, oldest)
        .await?;
    Ok(found.map(|posted| posted.ts))
}

/// `slack:C0SECLEAD` is the channel `C0SECLEAD`.
pub(super) fn channel(effect: &Effect) -> &str {
    channel_of(&effect.destination)
}

pub(super) fn channel_of(destination: &str) -> &str {
    destination.strip_prefix("slack:").unwrap_or(destination)
}
