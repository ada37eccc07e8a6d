//! Rate limits (<https://linear.app/developers/rate-limiting>).

use super::denied::Denied;
use super::world::{RateLimited, World};
use super::{Answer, Received, auth};

/// The period of the limits, in milliseconds.
const HOUR: u64 = 3_600_000;

/// Requests and points of complexity per hour.
fn limits(request: &Received) -> (u64, u64) {
    if auth::is_oauth(request) {
        (5000, 2_000_000)
    } else {
        (2500, 3_000_000)
    }
}

/// The rate limit answer, if the world requires one.
pub(super) fn refuse(world: &mut World, request: &Received) -> Result<(), Denied> {
    let Some(limited) = world.rate_limited.as_mut() else {
        return Ok(());
    };
    match &mut limited.times {
        Some(left) if *left > 0 => *left -= 1,
        Some(_) => {
            world.rate_limited = None;
            return Ok(());
        }
        None => {}
    }
    Err(Denied::rate_limited(limits(request).0, HOUR))
}

/// The headers of every answer; `limited` is the world's setting when the request arrived.
pub(super) fn with_headers(answer: Answer, request: &Received, observed: u64, limited: Option<RateLimited>) -> Answer {
    let (requests, complexity) = limits(request);
    let limited = limited.filter(|limited| limited.times != Some(0));
    let left = limited.map_or(requests.saturating_sub(observed), |_| 0);
    let wait = limited.map_or(HOUR, |limited| limited.reset_in_ms);
    let reset = request.time.as_millisecond().saturating_add_unsigned(wait);
    answer
        .with_header("x-ratelimit-requests-limit", &requests)
        .with_header("x-ratelimit-requests-remaining", &left)
        .with_header("x-ratelimit-requests-reset", &reset)
        .with_header("x-ratelimit-complexity-limit", &complexity)
        .with_header("x-ratelimit-complexity-remaining", &complexity.saturating_sub(observed))
        .with_header("x-ratelimit-complexity-reset", &reset)
}
