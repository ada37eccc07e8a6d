//! Bodies, keys, waits and statuses.

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
