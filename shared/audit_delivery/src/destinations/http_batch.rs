//! Requests to an HTTP receiver and the meaning of its responses, without IO, for every client that posts entries.

use std::time::Duration;

use jiff::Timestamp;
use model::sha256_hex;
use url::Url;

use crate::destination::{DeliveryError, Outgoing};
use audit::FailureClass;

/// `Content-Type` of [`body`].
pub const CONTENT_TYPE: &str = "application/json";
/// The name of the header with [`idempotency_key`]: `draft-ietf-httpapi-idempotency-key-header`.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// The longest accepted wait: a wrong or hostile `Retry-After` must not delay deliveries for days.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A JSON array of the lines exactly as printed, in order.
#[must_use]
pub fn body(batch: &[Outgoing<'_>]) -> String {
    let length: usize = batch.iter().map(|entry| entry.line.len() + 1).sum();
    let mut body = String::with_capacity(length + 2);
    body.push('[');
    for (number, entry) in batch.iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        body.push_str(entry.line);
    }
    body.push(']');
    body
}

/// `<first position>-<last position>-<hash of the body>`: equal only for equal bytes. A receiver that honours the header may answer
/// a known key without reading the body; positions alone would repeat between installations, and between a batch and its remainder.
/// Empty for an empty batch, which is never sent.
#[must_use]
pub fn idempotency_key(batch: &[Outgoing<'_>], body: &str) -> String {
    let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
        return String::new();
    };
    let digest = sha256_hex(body.as_bytes());
    format!("{}-{}-{}", first.position, last.position, &digest[..32])
}

/// Whether a token may be sent to this address: over TLS anywhere, in clear text only to this machine.
#[must_use]
pub fn may_carry_credentials(endpoint: &Url) -> bool {
    endpoint.scheme() == "https"
        || match endpoint.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), at most [`LONGEST_RETRY_AFTER`]; a past moment means now.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().unwrap_or(u64::MAX)
    } else {
        let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        u64::try_from(at.as_second() - now.as_second()).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// What a status means for the batch. Only 400, 413 and 422 concern its content; every other rejection (credentials, address,
/// limit, outage) is fixed at the receiver or in the configuration; then a retry of the batch succeeds.
///
/// # Errors
/// [`DeliveryError`], unless the status is 2xx.
pub fn check_status(status: u16, retry_after: Option<Duration>) -> Result<(), DeliveryError> {
    if (200..300).contains(&status) {
        return Ok(());
    }
    let class = FailureClass::of_status(status);
    let advice = match status {
        300..=399 => "redirects are not followed: configure the target address",
        400 | 422 => "it rejects the batch's content",
        401 | 403 => "check the credentials in the secret",
        404 | 405 | 410 => "check the address",
        413 => "the batch is too large for it",
        408 | 429 | 500..=599 => "the batch will be retried",
        _ => "unexpected status",
    };
    let message = format!("the receiver answered {status}: {advice}");
    Err(match status {
        400 | 413 | 422 => DeliveryError::Refused { class, message },
        _ => DeliveryError::Unavailable {
            class,
            message,
            retry_after: retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER)),
        },
    })
}

/// What the body of a 2xx answer means for the batch: a receiver that stores each entry by itself lists the others as `rejected`, as
/// `POST /audit/events` of Countersign does. A body that is not JSON, or lists nothing, confirms the batch.
///
/// # Errors
/// [`DeliveryError::Refused`], so that the rejected entries are found and kept; the others may be sent again.
pub fn check_rejected(body: &[u8]) -> Result<(), DeliveryError> {
    #[derive(serde::Deserialize)]
    struct Answer {
        #[serde(default)]
        rejected: Vec<Rejected>,
    }
    #[derive(serde::Deserialize)]
    struct Rejected {
        reason: Option<String>,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Ok(());
    };
    let Some(first) = answer.rejected.first() else {
        return Ok(());
    };
    let reason: String = first
        .reason
        .iter()
        .flat_map(|reason| reason.chars())
        .take(100)
        .collect();
    Err(DeliveryError::Refused {
        class: FailureClass::InvalidResponse,
        message: format!(
            "the receiver rejected {} of the entries: {reason}",
            answer.rejected.len()
        ),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn outgoing(position: u64, line: &str) -> Outgoing<'_> {
        let id = Uuid::from_u128(position.into());
        Outgoing { position, id, line }
    }

    #[test]
    fn body_is_array_of_lines_as_printed() {
        let batch = [outgoing(7, r#"{"b":1.50, "a":"\u00fc"}"#), outgoing(8, r#"{"x":[]}"#)];
        assert_eq!(body(&batch), r#"[{"b":1.50, "a":"\u00fc"},{"x":[]}]"#);
        assert_eq!(body(&[]), "[]");
    }

    #[test]
    fn idempotency_key_depends_on_positions_and_bytes() {
        let one = [outgoing(7, "{}"), outgoing(9, "{}")];
        let key = idempotency_key(&one, &body(&one));
        assert!(key.starts_with("7-9-"), "{key}");
        assert!(
            key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{key}"
        );
        assert_eq!(key, idempotency_key(&one, &body(&one)), "a retry has the same key");
        let other = [outgoing(7, "{}"), outgoing(9, "[]")];
        assert_ne!(key, idempotency_key(&other, &body(&other)));
        let between = [outgoing(7, "{}"), outgoing(8, "{}"), outgoing(9, "{}")];
        assert_ne!(key, idempotency_key(&between, &body(&between)));
        assert_eq!(idempotency_key(&[], "[]"), "");
    }

    #[test]
    fn rejected_entries_refuse_the_batch() {
        let rejected =
            br#"{"status":"accepted","accepted":1,"rejected":[{"index":0,"id":"x","reason":"service_not_yours"}]}"#;
        let error = check_rejected(rejected).unwrap_err();
        assert!(matches!(error, DeliveryError::Refused { .. }));
        assert!(error.to_string().ends_with("service_not_yours"), "{error}");
        for confirmed in [
            &b""[..],
            b"ok",
            b"{}",
            br#"{"rejected":[]}"#,
            b"[1]",
            br#"{"rejected":5}"#,
        ] {
            assert_eq!(check_rejected(confirmed), Ok(()));
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        use FailureClass::{AuthFailure, Conflict, InvalidResponse, NotFound, RateLimit, ServerError, Timeout};
        let wait = Some(Duration::from_secs(7));
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(check_status(status, wait), Ok(()), "{status}");
        }
        for status in [400, 413, 422] {
            let Err(DeliveryError::Refused { class, message }) = check_status(status, wait) else {
                panic!("{status} must be rejected");
            };
            assert_eq!(class, InvalidResponse);
            assert!(message.contains(&status.to_string()));
        }
        for (status, expected) in [
            (0, InvalidResponse),
            (101, InvalidResponse),
            (301, InvalidResponse),
            (307, InvalidResponse),
            (401, AuthFailure),
            (402, InvalidResponse),
            (403, AuthFailure),
            (404, NotFound),
            (405, InvalidResponse),
            (408, Timeout),
            (409, Conflict),
            (410, NotFound),
            (429, RateLimit),
            (500, ServerError),
            (503, ServerError),
            (599, ServerError),
            (999, InvalidResponse),
        ] {
            let Err(DeliveryError::Unavailable {
                class,
                message,
                retry_after,
            }) = check_status(status, wait)
            else {
                panic!("{status} must be retried");
            };
            assert_eq!((class, retry_after), (expected, wait), "{status}");
            assert!(message.contains(&status.to_string()));
        }
    }

    #[test]
    fn retry_after_is_capped_at_one_hour() {
        let day = Some(Duration::from_hours(24));
        let Err(DeliveryError::Unavailable { retry_after, .. }) = check_status(503, day) else {
            panic!("503 must be retried");
        };
        assert_eq!(retry_after, Some(LONGEST_RETRY_AFTER));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (value, expected) in [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(3600)),
            ("Sun, 01 Mar 2026 12:01:00 GMT", Some(60)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Some(0)),
            ("Mon, 02 Mar 2026 12:00:00 GMT", Some(3600)),
            ("-5", None),
            ("+5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value:?}");
        }
    }

    #[test]
    fn tokens_go_in_clear_to_this_machine_alone() {
        for (endpoint, may) in [
            ("https://siem.example.com/", true),
            ("http://localhost:8088/", true),
            ("http://127.0.0.2:8088/", true),
            ("http://[::1]:8088/", true),
            ("http://siem.example.com/", false),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.7/", false),
        ] {
            assert_eq!(may_carry_credentials(&endpoint.parse().unwrap()), may, "{endpoint}");
        }
    }

    proptest! {
        #[test]
        fn the_body_reads_back_as_the_lines(values in prop::collection::vec(".{0,20}", 0..20)) {
            let lines: Vec<String> = values.iter().map(|value| Value::from(value.as_str()).to_string()).collect();
            let batch: Vec<Outgoing<'_>> = lines.iter().zip(1..).map(|(line, position)| outgoing(position, line)).collect();
            let read: Vec<String> = serde_json::from_str(&body(&batch)).unwrap();
            prop_assert_eq!(read, values);
        }

        #[test]
        fn any_header_is_read_or_refused(value in ".{0,40}") {
            let wait = retry_after(&value, Timestamp::UNIX_EPOCH);
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_RETRY_AFTER));
        }
    }
}
