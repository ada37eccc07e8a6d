//! Errors of version 2: `{"errors": [{"status", "code", "title", "detail"}]}`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Received};

/// Why Confluence rejects a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    title: String,
}

impl Refusal {
    /// An error of this status.
    pub(super) fn new(status: StatusCode, title: impl Into<String>) -> Self {
        Self {
            status,
            title: title.into(),
        }
    }

    /// A bad request, and why.
    pub(super) fn bad(title: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, title)
    }

    /// A value that cannot be read.
    pub(super) fn wrong_type(value: &str, name: &str, expected: &str) -> Self {
        Self::bad(format!(
            "Provided value {{{value}}} for '{name}' is not the correct type. Expected type is {expected}"
        ))
    }

    /// A page that is missing or not visible. Unlike the answer to wrong credentials it names what is missing.
    pub(super) fn no_page(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Cannot find a page with id [{id}]"))
    }

    fn code(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "INVALID_REQUEST_PARAMETER",
            StatusCode::FORBIDDEN => "FORBIDDEN",
            StatusCode::NOT_FOUND => "NOT_FOUND",
            StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED",
            StatusCode::CONFLICT => "CONFLICT",
            StatusCode::PAYLOAD_TOO_LARGE => "PAYLOAD_TOO_LARGE",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "UNSUPPORTED_MEDIA_TYPE",
            _ => "INTERNAL_SERVER_ERROR",
        }
    }

    pub(super) fn answer(self) -> Answer {
        let error = json!({
            "status": self.status.as_u16(),
            "code": self.code(),
            "title": self.title,
            "detail": null,
        });
        Answer::json(self.status, &json!({"errors": [error]}))
    }
}

/// The request's JSON object.
pub(super) fn object(request: &Received) -> Result<Map<String, Value>, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported Media Type",
        ));
    }
    serde_json::from_slice(&request.body).map_err(|_| Refusal::bad("Invalid message"))
}
