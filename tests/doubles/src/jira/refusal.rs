//! Jira's error collection: `{"errorMessages": [...], "errors": {field: message}}`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::world::Deployment;
use super::{Answer, Received, empty};

/// Why Jira rejects a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    messages: Vec<String>,
    errors: Map<String, Value>,
}

impl Refusal {
    /// A message about the whole request.
    pub(super) fn message(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            messages: vec![message.into()],
            errors: Map::new(),
        }
    }

    /// A bad request, and why.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::message(StatusCode::BAD_REQUEST, message)
    }

    /// Invalid fields, and why each is invalid.
    pub(super) fn fields(errors: Map<String, Value>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            messages: Vec::new(),
            errors,
        }
    }

    /// One invalid field, and why.
    pub(super) fn field(name: &str, message: impl Into<String>) -> Self {
        Self::fields(Map::from_iter([(name.to_owned(), Value::String(message.into()))]))
    }

    /// A field that this account may not set in this issue, for any reason.
    pub(super) fn unsettable(name: &str) -> Value {
        Value::String(format!(
            "Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        ))
    }

    /// An issue that is missing or not visible.
    pub(super) fn no_issue(deployment: Deployment) -> Self {
        let message = match deployment {
            Deployment::Cloud => "Issue does not exist or you do not have permission to see it.",
            Deployment::DataCenter => "Issue Does Not Exist",
        };
        Self::message(StatusCode::NOT_FOUND, message)
    }

    /// A non-JSON body; the answer is empty.
    fn unsupported() -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            messages: Vec::new(),
            errors: Map::new(),
        }
    }

    pub(super) fn answer(self) -> Answer {
        if self.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return empty(self.status);
        }
        json_answer(
            self.status,
            &json!({"errorMessages": self.messages, "errors": self.errors}),
        )
    }
}

/// An answer with Jira's content type.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    Answer::with_type(status, "application/json;charset=UTF-8", body.to_string())
}

/// The request's JSON object.
pub(super) fn object(request: &Received) -> Result<Map<String, Value>, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::unsupported());
    }
    serde_json::from_slice(&request.body)
        .map_err(|_| Refusal::bad("There was an error parsing JSON. Check that your request body is valid."))
}
