//! Which lines are audit lines, and how almost valid ones fail.

use serde_json::json;

use super::samples::{malformed, sample_entry, sample_intent, with_field};
use super::*;

#[test]
fn malformed_line_is_refused_with_its_reason() {
    for (line, why) in malformed() {
        let error = parse_line(&line.to_string()).expect_err(&line.to_string());
        assert!(error.to_string().contains(why), "{error}: {line}");
    }
}

#[test]
fn minimal_entry_of_another_producer_is_read() {
    let Ok(ParsedLine::Entry(read_entry)) = parse_line(&format!("  {}\n", sample_entry())) else {
        panic!("expected an entry")
    };
    assert_eq!(read_entry.line, sample_entry().to_string());
    assert_eq!(read_entry.target_key, "issue:SEC-811");
    assert_eq!(
        (read_entry.success, read_entry.error, read_entry.stream),
        (true, None, None)
    );
    assert!(
        matches!(parse_line(&sample_intent().to_string()), Ok(ParsedLine::Intent(intent)) if intent.call == "jira.api.get_issue")
    );
}

#[test]
fn line_without_audit_event_type_is_other() {
    for line in [
        "",
        "START RequestId: 1",
        "{}",
        "{",
        "[]",
        r#"{"event_type":1}"#,
        r#"{"event_type":null}"#,
        r#"{"event_type":"metric","value":1}"#,
        r#"{"event_type":"audited"}"#,
        r#"{"message":"\"event_type\":\"audit\""}"#,
        r#"{"message":{"event_type":"audit"}}"#,
        r#"{"event_type":"metric""#,
    ] {
        assert_eq!(parse_line(line), Ok(ParsedLine::Other), "{line}");
    }
}

#[test]
fn truncated_or_overlong_audit_line_is_malformed() {
    let line = sample_entry().to_string().replacen('{', r#"{"event_type":"audit","#, 1);
    for end in 25..line.len() - 1 {
        assert!(parse_line(&line[..end]).is_err(), "{}", &line[..end]);
    }
    let long = with_field(sample_entry(), "/details", Some(json!({"note": "x".repeat(LONGEST)})));
    assert!(
        parse_line(&long.to_string())
            .unwrap_err()
            .to_string()
            .contains("longer")
    );
    let twice = sample_entry().to_string().replacen('{', r#"{"service":"agent","#, 1);
    assert!(parse_line(&twice).is_err(), "a duplicate field");
}

#[test]
fn a_reason_repeats_nothing_of_the_line() {
    for (line, _) in malformed() {
        let line = line
            .to_string()
            .replace("SEC-811", "hunter2")
            .replace("agent", "hunter2");
        if let Err(error) = parse_line(&line) {
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
