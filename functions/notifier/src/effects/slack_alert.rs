//! The alert about an exception, in the security lead's channel.

use clients::slack::message::exception_alert;
use model::{Effect, ExceptionStatus, SecurityReviewException};
use store::StoreError;

use super::slack_message::{channel, find_posted};
use super::{Applied, EffectContext, EffectError};
use crate::targets::Targets;

pub(super) async fn apply(targets: &Targets, attempt: &EffectContext<'_>) -> Result<Applied, EffectError> {
    let effect = attempt.effect;
    let Some(exception) = read_exception(targets, effect).await? else {
        return Ok(Applied::Impossible("its exception does not exist"));
    };
    let slack = targets.slack.as_ref().map_err(|error| attempt.failed(error.clone()))?;
    // 1. An earlier attempt may have posted it.
    let posted = find_posted(slack, attempt, exception.recorded_at).await;
    if let Some(external_id) = posted.map_err(EffectError::unchecked)? {
        return Ok(Applied::Done { external_id });
    }
    // 2. It may not be needed or allowed.
    if attempt.dry_run {
        return Ok(Applied::Missing);
    }
    if exception.status == ExceptionStatus::Withdrawn {
        let because = "the exception has been withdrawn".to_owned();
        return Ok(Applied::Superseded { because });
    }
    // 3. Post it.
    let message = exception_alert(&exception, &targets.rules.slack.wording, channel(effect), &effect.key);
    let posted = slack.post_message(attempt.context, &message).await;
    let external_id = posted.map_err(EffectError::not_applied)?.ts;
    Ok(Applied::Done { external_id })
}

async fn read_exception(targets: &Targets, effect: &Effect) -> Result<Option<SecurityReviewException>, StoreError> {
    let Some(id) = effect.exception_id else { return Ok(None) };
    let mut tx = targets.store.begin().await?;
    let exception = tx.exception_by_id(id).await?;
    tx.commit().await?;
    Ok(exception)
}
