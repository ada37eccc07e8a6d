//! A double of an OpenTelemetry collector: accepts spans at `POST /v1/traces`, only in JSON, and parses them as strictly as the
//! protocol allows (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>).

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, Double, Received, System};

/// A running collector.
pub type OtlpDouble = Double<Otlp>;

/// Starts the double on a free port of the loopback interface.
pub async fn start() -> OtlpDouble {
    Double::start().await
}

impl OtlpDouble {
    /// The spans received so far, in order of arrival.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.world(|world| world.spans.clone())
    }
}

/// A span, with the service name from its resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// `service.name`.
    pub service: String,
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub id: String,
    /// 16 hex digits; absent for the first span of a trace.
    pub parent: Option<String>,
    pub name: String,
    /// 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: u64,
    /// Whether its status is an error.
    pub failed: bool,
    /// Attributes; numbers as text, as sent.
    pub attributes: BTreeMap<String, String>,
}

/// What a test may read and change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// The received spans.
    pub spans: Vec<Span>,
}

/// The collector.
#[derive(Debug, Default)]
pub struct Otlp {
    world: World,
}

impl System for Otlp {
    type World = World;
    const NAME: &'static str = "otlp";

    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn answer(&mut self, request: &Received) -> Answer {
        let refuse = |status, message: &str| Answer::json(status, &json!({"code": 3, "message": message}));
        if (&request.method, request.path()) != (&Method::POST, "/v1/traces") {
            return refuse(StatusCode::NOT_FOUND, "no such path");
        }
        if request.header("content-type") != Some("application/json") {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/json is needed");
        }
        match serde_json::from_slice(&request.body)
            .ok()
            .and_then(|body| parse_spans(&body))
        {
            Some(spans) => {
                self.world.spans.extend(spans);
                Answer::json(StatusCode::OK, &json!({}))
            }
            None => refuse(StatusCode::BAD_REQUEST, "no ExportTraceServiceRequest"),
        }
    }
}

/// The spans of an `ExportTraceServiceRequest`; `None` if any part is invalid.
fn parse_spans(body: &Value) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    for resource in body["resourceSpans"].as_array()? {
        let service = attributes(&resource["resource"]["attributes"])?.remove("service.name")?;
        for scope in resource["scopeSpans"].as_array()? {
            scope["scope"]["name"].as_str()?;
            for span in scope["spans"].as_array()? {
                spans.push(read_span(&service, span)?);
            }
        }
    }
    Some(spans)
}

fn read_span(service: &str, span: &Value) -> Option<Span> {
    let parent = match span.get("parentSpanId") {
        Some(parent) => Some(id(parent, 16)?),
        None => None,
    };
    // Nanoseconds are 64-bit numbers, which JSON encodes as strings.
    let nanoseconds = |name: &str| span[name].as_str()?.parse::<u64>().ok();
    let (began, ended) = (nanoseconds("startTimeUnixNano")?, nanoseconds("endTimeUnixNano")?);
    let kind = span["kind"].as_u64().filter(|kind| (1..=5).contains(kind))?;
    let name = span["name"].as_str().filter(|name| !name.is_empty())?;
    (began <= ended).then_some(())?;
    Some(Span {
        service: service.to_owned(),
        trace_id: id(&span["traceId"], 32)?,
        id: id(&span["spanId"], 16)?,
        parent,
        name: name.to_owned(),
        kind,
        failed: span["status"]["code"] == 2,
        attributes: attributes(&span["attributes"])?,
    })
}

fn id(value: &Value, digits: usize) -> Option<String> {
    let text = value.as_str()?;
    let hex = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex && text.bytes().any(|byte| byte != b'0')).then(|| text.to_owned())
}

fn attributes(list: &Value) -> Option<BTreeMap<String, String>> {
    let pair = |attribute: &Value| {
        let value = attribute["value"].as_object()?;
        let (kind, value) = value.iter().next()?;
        let known = matches!(kind.as_str(), "stringValue" | "intValue");
        known.then_some((attribute["key"].as_str()?.to_owned(), value.as_str()?.to_owned()))
    };
    let list = list.as_array()?;
    let read: BTreeMap<_, _> = list.iter().map(pair).collect::<Option<_>>()?;
    // Rejects duplicate names.
    (read.len() == list.len()).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Value {
        json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
            "scopeSpans": [{"scope": {"name": "n"}, "spans": [{
                "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b173",
                "name": "call", "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000", "kind": 2,
                "attributes": [{"key": "my.number", "value": {"intValue": "7"}}], "status": {"code": 2},
            }]}],
        }]})
    }

    #[test]
    fn the_specifications_example_is_read() {
        let spans = parse_spans(&request()).unwrap();
        assert_eq!((spans.len(), spans[0].failed), (1, true));
        assert_eq!(spans[0].attributes["my.number"], "7");
    }

    #[test]
    fn what_a_collector_would_refuse_is_refused() {
        for (field, wrong) in [
            ("traceId", json!("00000000000000000000000000000000")),
            ("spanId", json!("eee19b7ec3c1b1")),
            ("parentSpanId", json!("")),
            ("name", json!(null)),
            ("kind", json!("SPAN_KIND_SERVER")),
            ("startTimeUnixNano", json!(1_544_712_660_000_000_000_u64)),
            ("endTimeUnixNano", json!("1544712659000000000")),
            ("attributes", json!([{"key": "n", "value": {"intValue": 7}}])),
            (
                "attributes",
                json!([{"key": "n", "value": {"stringValue": "1"}}, {"key": "n", "value": {"stringValue": "2"}}]),
            ),
        ] {
            let mut request = request();
            request["resourceSpans"][0]["scopeSpans"][0]["spans"][0][field] = wrong;
            assert_eq!(parse_spans(&request), None, "{field}");
        }
    }
}
