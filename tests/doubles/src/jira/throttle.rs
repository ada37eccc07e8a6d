//! Rate limits: 429, in Cloud with the reason, in Data Center with the bucket's figures.

use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

use super::refusal::json_answer;
use super::world::{Deployment, World};
use super::{Answer, Received};

/// The limit of writes to one issue; the only one that does not affect reads.
const PER_ISSUE: &str = "jira-per-issue-on-write";

/// The 429 answer, if the world requires one.
pub(super) fn refuse(world: &mut World, request: &Received) -> Option<Answer> {
    let limited = world.rate_limited.as_mut()?;
    if limited.reason == PER_ISSUE && request.method == Method::GET {
        return None;
    }
    match &mut limited.times {
        Some(0) => {
            world.rate_limited = None;
            return None;
        }
        Some(left) => *left -= 1,
        None => {}
    }
    let mut answer = match world.deployment {
        Deployment::Cloud => {
            let wait = SignedDuration::from_secs(limited.retry_after.unwrap_or(1).into());
            let reset = request.time.checked_add(wait).unwrap_or(request.time);
            json_answer(
                StatusCode::TOO_MANY_REQUESTS,
                &json!({"errorMessages": ["Rate limit exceeded."], "errors": {}}),
            )
            .with_header("x-ratelimit-limit", &350)
            .with_header("x-ratelimit-reset", &reset.strftime("%Y-%m-%dT%H:%M:%SZ"))
            .with_header("ratelimit-reason", &limited.reason)
        }
        Deployment::DataCenter => json_answer(
            StatusCode::TOO_MANY_REQUESTS,
            &json!({"message": "Rate limit exceeded."}),
        )
        .with_header("x-ratelimit-limit", &10)
        .with_header("x-ratelimit-fillrate", &1)
        .with_header("x-ratelimit-interval-seconds", &1),
    };
    answer = answer.with_header("x-ratelimit-remaining", &0);
    Some(match limited.retry_after {
        Some(seconds) => answer.with_header("retry-after", &seconds),
        None => answer,
    })
}
