//! How long a target asks to wait.

use std::time::Duration;

use audit_delivery::http_batch::{LONGEST_RETRY_AFTER, retry_after};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3); on a 429 without it `RateLimit-Reset`, a Unix time that GitLab
/// sends with every answer (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers>).
pub(super) fn retry_delay(status: u16, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let delay = header_text(headers, RETRY_AFTER.as_str()).and_then(|value| retry_after(value, now));
    if delay.is_some() || status != 429 {
        return delay;
    }
    header_text(headers, "ratelimit-reset").and_then(|value| reset(value, now))
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

fn reset(value: &str, now: Timestamp) -> Option<Duration> {
    let at = Timestamp::from_second(value.parse().ok()?).ok()?;
    // A time in the past means: now.
    let seconds = u64::try_from(at.as_second() - now.as_second()).unwrap_or(0);
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn every_header_form_is_understood_and_capped() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let soon = (now.as_second() + 42).to_string();
        let late = (now.as_second() + 86_400).to_string();
        for (headers, expected) in [
            (vec![], None),
            (vec![("retry-after", "30")], Some(30)),
            (vec![("retry-after", " 30 ")], Some(30)),
            (vec![("retry-after", "0")], Some(0)),
            (vec![("retry-after", "99999999")], Some(3600)),
            (vec![("retry-after", "18446744073709551615")], Some(3600)),
            (vec![("retry-after", "Sun, 01 Mar 2026 12:01:00 GMT")], Some(60)),
            (vec![("retry-after", "Sun, 01 Mar 2026 11:00:00 GMT")], Some(0)),
            (vec![("retry-after", "Mon, 02 Mar 2026 12:00:00 GMT")], Some(3600)),
            (vec![("retry-after", "-5")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("ratelimit-reset", soon.as_str())], Some(42)),
            (vec![("ratelimit-reset", late.as_str())], Some(3600)),
            (vec![("ratelimit-reset", "1")], Some(0)),
            (vec![("ratelimit-reset", "9223372036854775807")], None),
            (vec![("retry-after", "7"), ("ratelimit-reset", soon.as_str())], Some(7)),
            (
                vec![("retry-after", "soon"), ("ratelimit-reset", soon.as_str())],
                Some(42),
            ),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
                .collect();
            assert_eq!(
                retry_delay(429, &map, now),
                expected.map(Duration::from_secs),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn rate_limit_reset_does_not_delay_server_errors() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit-reset", HeaderValue::from(now.as_second() + 42));
        assert_eq!(retry_delay(503, &headers, now), None);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        assert_eq!(retry_delay(503, &headers, now), Some(Duration::from_secs(5)));
    }
}
