//! The published schema and the reader agree: they reject the same lines.

use serde_json::{Value, json};

use super::samples::{malformed, sample_entry, sample_intent, with_field};
use super::{ParsedLine, parse_line};

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(crate::SCHEMA).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Reasons that a schema cannot express: the calendar, a comparison of two fields, the content of open fields.
const BEYOND_A_SCHEMA: [&str; 5] = ["UUIDv7 of its timestamp", "ISO 8601", "U+0000", "longer than", "UUIDv7"];

#[test]
fn schema_refuses_malformed_lines_it_can_express() {
    let schema = schema();
    for (line, why) in malformed() {
        let beyond = BEYOND_A_SCHEMA.contains(&why) && line["timestamp"] != "yesterday";
        assert!(beyond || !schema.is_valid(&line), "{why}: {line}");
    }
    let version_4 = with_field(
        sample_entry(),
        "/id",
        Some(json!("018f0000-0000-4000-8000-000000000001")),
    );
    assert!(!schema.is_valid(&version_4));
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = schema();
    let id = "018f0000-0000-7000-8000-000000000002";
    for line in [
        sample_entry(),
        sample_intent(),
        with_field(sample_entry(), "/error", Some(Value::Null)),
        with_field(sample_entry(), "/stream", Some(json!({"id": id, "seq": 1}))),
        with_field(
            sample_entry(),
            "/stream",
            Some(json!({"id": id, "seq": (1_u64 << 53) - 1})),
        ),
        with_field(sample_entry(), "/stream", Some(Value::Null)),
        with_field(sample_entry(), "/duration_ms", Some(json!(0.125))),
        with_field(
            sample_entry(),
            "/details",
            Some(json!({"executor": "kubernetes_job", "steps": [1, {"a": null}]})),
        ),
        with_field(
            sample_entry(),
            "/trace_id",
            Some(json!("0af7651916cd43dd8448eb211c80319c")),
        ),
        with_field(
            sample_entry(),
            "/target",
            Some(json!({"resource_type": "merge_request", "project_id": 77, "mr_iid": 12, "branch": "main"})),
        ),
        with_field(
            with_field(sample_entry(), "/outcome", Some(json!("failure"))),
            "/error",
            Some(json!("conflict")),
        ),
        with_field(sample_intent(), "/trace_id", Some(Value::Null)),
    ] {
        assert!(
            matches!(
                parse_line(&line.to_string()),
                Ok(ParsedLine::Entry(_) | ParsedLine::Intent(_))
            ),
            "{line}"
        );
        if let Err(error) = schema.validate(&line) {
            panic!("{error}: {line}");
        }
    }
}
