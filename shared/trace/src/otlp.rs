//! The body of an export, in JSON.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>: field names in lower camel case, ids in hex, enumerations as
//! numbers, 64-bit numbers as strings. Message: `ExportTraceServiceRequest`
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>).

use serde_json::{Value as Json, json};

use crate::finished::{Finished, Value};

/// Bit 8 of a span's flags: bit 9 is valid. Bit 9: the parent is in another process.
const KNOWS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The common attributes of all spans of a process by name, such as `service.name`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource(pub Vec<(String, String)>);

/// The body of the request that exports these spans.
#[must_use]
pub fn encode(resource: &Resource, spans: &[Finished]) -> Vec<u8> {
    let attributes: Vec<_> = resource
        .0
        .iter()
        .map(|(name, value)| text_attribute(name, value))
        .collect();
    let spans: Vec<_> = spans.iter().map(span).collect();
    let scope = json!({"name": "countersign", "version": env!("CARGO_PKG_VERSION")});
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": attributes},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]});
    request.to_string().into_bytes()
}

fn span(span: &Finished) -> Json {
    let began = span.began.as_nanosecond();
    let mut attributes = vec![text_attribute("correlation_id", &span.correlation_id.to_string())];
    attributes.extend(span.attributes.iter().map(|(name, value)| match value {
        Value::Text(value) => text_attribute(name, value),
        Value::Number(number) => json!({"key": name, "value": {"intValue": number.to_string()}}),
    }));
    attributes.extend(span.error.as_deref().map(|class| text_attribute("error.type", class)));
    let remote = if span.remote_parent { IS_REMOTE } else { 0 };
    let mut json = json!({
        "traceId": format!("{:032x}", span.position.trace_id),
        "spanId": format!("{:016x}", span.position.span_id),
        "flags": u32::from(span.position.flags) | KNOWS_REMOTE | remote,
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": began.to_string(),
        "endTimeUnixNano": began.saturating_add(span.nanoseconds).to_string(),
        "attributes": attributes,
        "status": {},
    });
    if let Some(parent) = span.parent {
        json["parentSpanId"] = format!("{parent:016x}").into();
    }
    if let Some(class) = &span.error {
        json["status"] = json!({"code": ERROR, "message": class});
    }
    json
}

fn text_attribute(name: &str, value: &str) -> Json {
    json!({"key": name, "value": {"stringValue": value}})
}
