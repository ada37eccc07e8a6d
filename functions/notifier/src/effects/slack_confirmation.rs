//! The confirmation of a merge, in the channel of its pod.

use clients::slack::message::pod_confirmation;

use super::merge::MergeEffect;
use super::slack_message::{channel, find_posted};
use super::{Applied, EffectError};
use crate::targets::Targets;

pub(super) async fn apply(targets: &Targets, merge: &MergeEffect<'_>) -> Result<Applied, EffectError> {
    let attempt = merge.attempt;
    let slack = targets.slack.as_ref().map_err(|error| attempt.failed(error.clone()))?;
    let posted = find_posted(slack, attempt, merge.summary.decided_at).await;
    if let Some(external_id) = posted.map_err(|error| attempt.failed(error))? {
        return Ok(Applied::Done { external_id });
    }
    if merge.read_only {
        return Ok(merge.missing());
    }
    let effect = attempt.effect;
    let message = pod_confirmation(
        &merge.summary,
        &targets.rules.slack.wording,
        channel(effect),
        &effect.key,
    );
    let posted = slack.post_message(attempt.context, &message).await;
    let external_id = posted.map_err(|error| attempt.failed(error))?.ts;
    Ok(Applied::Done { external_id })
}
