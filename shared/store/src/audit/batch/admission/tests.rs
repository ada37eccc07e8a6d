use audit::printed::{ParsedLine, parse_line};
use serde_json::json;

use super::*;

fn parse_entry(at: &str) -> ParsedEntry {
    let at: Timestamp = at.parse().unwrap();
    let line = json!({
        "timestamp": format!("{at:.3}"), "event_type": "audit", "action": "webhook.auth.verify",
        "actor": {"type": "webhook_event", "id": uuid::Uuid::nil()}, "target": {"resource_type": "webhook"},
        "outcome": "success", "error": null, "correlation_id": uuid::Uuid::nil(), "service": "webhook",
        "id": audit::entry_id(at, "x"), "stream": {"id": uuid::Uuid::nil(), "seq": 1},
    });
    match parse_line(&line.to_string()).unwrap() {
        ParsedLine::Entry(entry) => *entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn entry_belongs_to_its_utc_month_by_id() {
    let now = "2026-12-31T23:59:59.999Z".parse().unwrap();
    let cases = [
        ("2026-12-31T23:59:59.999Z", Some("2026-12-01T00:00:00Z")),
        ("2027-01-01T00:00:00Z", Some("2027-01-01T00:00:00Z")),
        ("2027-01-31T23:59:59.999Z", Some("2027-01-01T00:00:00Z")),
        ("2027-02-01T00:00:00Z", None),
        ("2024-02-29T12:00:00Z", Some("2024-02-01T00:00:00Z")),
        ("2021-12-31T23:59:59.999Z", Some("2021-12-01T00:00:00Z")),
        ("2021-12-31T23:59:59.998Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("9999-12-30T00:00:00Z", None),
    ];
    for (at, month) in cases {
        let expected: Option<Timestamp> = month.map(|month| month.parse().unwrap());
        assert_eq!(Window::around(now).month_of(&parse_entry(at)), expected, "{at}");
    }
}

#[test]
fn window_at_extreme_times_does_not_panic() {
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let _ = Window::around(now).month_of(&parse_entry("2026-01-01T00:00:00Z"));
    }
}
