//! Rate limits: 429 with the reason and the time to wait.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Answer;
use super::world::World;

/// The 429 answer, if the world requires one.
pub(super) fn refuse(world: &mut World, now: Timestamp) -> Option<Answer> {
    let limited = world.rate_limited.as_mut()?;
    match &mut limited.times {
        Some(0) => {
            world.rate_limited = None;
            return None;
        }
        Some(left) => *left -= 1,
        None => {}
    }
    let wait = SignedDuration::from_secs(limited.retry_after.unwrap_or(1).into());
    let reset = now.checked_add(wait).unwrap_or(now);
    let answer = Answer::json(
        StatusCode::TOO_MANY_REQUESTS,
        &json!({"code": 429, "message": "Rate limit exceeded"}),
    )
    .with_header("x-ratelimit-limit", &40)
    .with_header("x-ratelimit-remaining", &0)
    .with_header("x-ratelimit-reset", &reset.strftime("%Y-%m-%dT%H:%M:%SZ"))
    .with_header("ratelimit-reason", &limited.reason);
    Some(match limited.retry_after {
        Some(seconds) => answer.with_header("retry-after", &seconds),
        None => answer,
    })
}
