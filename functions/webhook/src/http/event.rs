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
mod tests;
