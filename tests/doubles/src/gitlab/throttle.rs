//! Rate limits (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>).

use http::StatusCode;
use jiff::Timestamp;

use super::Answer;
use super::world::World;

/// GitLab.com's limit of authenticated API requests per user and minute.
const LIMIT: u32 = 2000;

/// The plain-text 429 answer, if the world requires one.
pub(super) fn refuse(world: &mut World) -> Option<Answer> {
    let limited = world.rate_limited.as_mut()?;
    let retry_after = limited.retry_after;
    match &mut limited.times {
        Some(0) => {
            world.rate_limited = None;
            return None;
        }
        Some(left) => *left -= 1,
        None => {}
    }
    Some(Answer::text(StatusCode::TOO_MANY_REQUESTS, "Retry later\n").with_header("retry-after", &retry_after))
}

/// The headers that every answer of the API carries.
pub(super) fn with_headers(answer: Answer, observed: u32, now: Timestamp) -> Answer {
    let refused = answer.status == StatusCode::TOO_MANY_REQUESTS;
    let remaining = if refused { 0 } else { LIMIT.saturating_sub(observed) };
    let reset = now.as_second() + 60;
    let answer = answer
        .with_header("ratelimit-limit", &LIMIT)
        .with_header("ratelimit-name", &"throttle_authenticated_api")
        .with_header("ratelimit-observed", &if refused { LIMIT + 1 } else { observed })
        .with_header("ratelimit-remaining", &remaining)
        .with_header("ratelimit-reset", &reset);
    if !refused {
        return answer;
    }
    let time = Timestamp::from_second(reset).unwrap_or(now);
    answer.with_header("ratelimit-resettime", &time.strftime("%a, %d %b %Y %H:%M:%S GMT"))
}
