//! API Gateway's event (payload format 2.0), parsed so that no request can fail before it is answered and audited.
//!
//! Format: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// One request as API Gateway passes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpEvent {
    /// The method, as sent.
    pub method: String,
    /// The path without the stage.
    pub path: String,
    /// The address of the TCP peer as API Gateway saw it; headers do not affect it.
    pub source_ip: Option<String>,
    /// Headers by lower-case name; several of one name are joined with commas, as API Gateway does.
    pub headers: BTreeMap<String, String>,
    /// The body, as text or base64.
    pub body: Option<String>,
    /// The body is base64.
    pub is_base64: bool,
}

/// What Lambda invoked the function with. Any JSON can be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEvent {
    Http(Box<HttpEvent>),
    /// JSON that is not a request of API Gateway.
    Unreadable,
}

impl<'de> Deserialize<'de> for GatewayEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An error here would go to Lambda, and API Gateway would answer 500 without a line in the audit log.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let wire = serde_json::from_str::<Wire>(raw.get());
        Ok(wire.map_or(Self::Unreadable, |wire| Self::Http(Box::new(wire.into()))))
    }
}

/// The members that are read, each of which may be absent or null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    raw_path: Option<String>,
    headers: Option<BTreeMap<String, Value>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    request_context: WireContext,
}

#[derive(Deserialize)]
struct WireContext {
    stage: Option<String>,
    http: Http,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: Option<String>,
    path: Option<String>,
    source_ip: Option<String>,
}

impl From<Wire> for HttpEvent {
    fn from(wire: Wire) -> Self {
        let WireContext { stage, http } = wire.request_context;
        let path = wire.raw_path.or(http.path).unwrap_or_default();
        Self {
            method: http.method.unwrap_or_default(),
            path: without_stage(path, stage.as_deref()),
            source_ip: http.source_ip,
            headers: joined(wire.headers.unwrap_or_default()),
            body: wire.body,
            is_base64: wire.is_base64_encoded.unwrap_or_default(),
        }
    }
}

/// The path may begin with a named stage; the default stage is absent.
fn without_stage(path: String, stage: Option<&str>) -> String {
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    match rest {
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        _ => path,
    }
}

/// Lower-case names, and every value of a name: hiding a second value would hide a duplicate signature.
fn joined(headers: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let text = match value {
                Value::String(text) => text,
                Value::Null => continue,
                other => other.to_string(),
            };
            let slot = joined.entry(name.to_ascii_lowercase());
            slot.and_modify(|earlier| *earlier = format!("{earlier},{text}"))
                .or_insert(text);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::fixtures::{event, signed};

    fn parse_event(event: &Value) -> GatewayEvent {
        serde_json::from_str(&event.to_string()).unwrap()
    }

    fn http(event: &Value) -> HttpEvent {
        match parse_event(event) {
            GatewayEvent::Http(event) => *event,
            GatewayEvent::Unreadable => panic!("expected a readable event: {event}"),
        }
    }

    #[test]
    fn a_request_is_read() {
        let read = http(&event(&signed(b"{}"), "{}"));
        assert_eq!((read.method.as_str(), read.path.as_str()), ("POST", "/webhook"));
        assert_eq!(
            (read.source_ip.as_deref(), read.body.as_deref()),
            (Some("203.0.113.7"), Some("{}"))
        );
        assert_eq!(read.headers["user-agent"], "GitLab/19.1.0");
        assert!(!read.is_base64);
    }

    #[test]
    fn absent_and_null_members_are_nothing() {
        let bare = json!({"requestContext": {"http": {"method": null}}, "headers": null, "body": null, "isBase64Encoded": null});
        assert_eq!(http(&bare), HttpEvent::default());
    }

    #[test]
    fn repeated_headers_are_joined_in_any_case() {
        let mut event = event(&vec![], "");
        event["headers"] =
            json!({"Webhook-Id": "a", "webhook-id": "b", "x-n": 5, "x-list": ["c", null, "d"], "x-null": null});
        let headers = http(&event).headers;
        let expected = [("webhook-id", "a,b"), ("x-list", "c,d"), ("x-n", "5")];
        assert_eq!(
            headers,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }

    #[test]
    fn named_stage_is_removed_from_the_path() {
        let cases = [
            ("prod", "/prod/webhook", "/webhook"),
            ("$default", "/webhook", "/webhook"),
            ("prod", "/production/webhook", "/production/webhook"),
            ("prod", "/webhook", "/webhook"),
            ("webhook", "/webhook", "/webhook"),
        ];
        for (stage, path, expected) in cases {
            let mut event = event(&vec![], "");
            event["requestContext"]["stage"] = json!(stage);
            event["rawPath"] = json!(path);
            assert_eq!(http(&event).path, expected);
        }
    }

    #[test]
    fn non_request_is_unreadable_without_an_error() {
        for text in [
            "null",
            "[]",
            "{}",
            r#"{"requestContext": {}}"#,
            r#"{"headers": [], "requestContext": {"http": {}}}"#,
            "5",
        ] {
            assert_eq!(
                serde_json::from_str::<GatewayEvent>(text).unwrap(),
                GatewayEvent::Unreadable,
                "{text}"
            );
        }
        let half_a_character = r#"{"body": "\ud800", "requestContext": {"http": {}}}"#;
        assert_eq!(
            serde_json::from_str::<GatewayEvent>(half_a_character).unwrap(),
            GatewayEvent::Unreadable
        );
    }

    proptest! {
        #[test]
        fn any_headers_and_body_are_read(
            headers in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..8),
            body in any::<String>(),
        ) {
            let mut event = event(&vec![], &body);
            event["headers"] = json!(headers);
            prop_assert_eq!(http(&event).body, Some(body));
        }
    }
}
