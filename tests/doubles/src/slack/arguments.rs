//! Arguments of a Web API method: query, form or JSON (<https://docs.slack.dev/apis/web-api/#request-format>).

use http::Method;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{Received, Refusal};

/// The arguments of one call.
#[derive(Debug)]
pub(super) struct Arguments {
    values: Map<String, Value>,
    /// Whether they arrived as JSON: only then may they be non-strings, and only then is a token among them ignored.
    json: bool,
    /// A JSON body without a charset in its content type: Slack warns about it.
    pub(super) charset_missing: bool,
}

impl Arguments {
    /// Reads the arguments as Slack does.
    pub(super) fn read(request: &Received) -> Result<Self, Refusal> {
        let mut values = form(request.query().unwrap_or_default().as_bytes());
        let content_type = request.header("content-type").unwrap_or_default();
        let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        let json = match (&request.method, kind.trim().to_ascii_lowercase().as_str()) {
            (&Method::GET, _) => false,
            (&Method::POST, "application/json") => {
                let body: Value = serde_json::from_slice(&request.body).map_err(|_| Refusal::from("invalid_json"))?;
                let Value::Object(body) = body else {
                    return Err(Refusal::from("json_not_object"));
                };
                values.extend(body);
                true
            }
            (&Method::POST, "application/x-www-form-urlencoded" | "text/plain") => {
                values.extend(form(&request.body));
                false
            }
            (&Method::POST, "") if request.body.is_empty() => false,
            (&Method::POST, "") => return Err(Refusal::from("missing_post_type")),
            _ => return Err(Refusal::from("invalid_post_type")),
        };
        let charset_missing = json && !parameters.to_ascii_lowercase().contains("charset");
        Ok(Self {
            values,
            json,
            charset_missing,
        })
    }

    /// A text argument; a number in JSON is read as text, as Slack does.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.values.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A boolean argument; absent means false.
    pub(super) fn flag(&self, name: &str) -> bool {
        match self.values.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            _ => false,
        }
    }

    /// A structured argument: JSON, or JSON within a string. `Err` if the string is not JSON.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Value>, serde_json::Error> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some),
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// A token among the arguments: accepted from a form, not from JSON.
    pub(super) fn form_token(&self) -> Option<String> {
        if self.json { None } else { self.text("token") }
    }
}

fn form(bytes: &[u8]) -> Map<String, Value> {
    form_urlencoded::parse(bytes)
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect()
}
