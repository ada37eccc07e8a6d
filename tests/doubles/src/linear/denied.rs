//! Rejections of whole requests: answers without `data`.
//!
//! Linear's documentation shows only the code of a rate limit (<https://linear.app/developers/rate-limiting>). The rest follows
//! recorded answers: a wrong key and an invalid query (September 2026), the full rate limit answer (July 2026), a query that is too
//! complex, a missing scope, and a personal key after `Bearer`.

use http::StatusCode;
use serde_json::{Value, json};

use super::Answer;

/// Why a whole request is rejected: an answer without `data`.
#[derive(Debug)]
pub(super) struct Denied {
    status: StatusCode,
    errors: Vec<Value>,
}

impl Denied {
    pub(super) fn answer(self) -> Answer {
        json_answer(self.status, &json!({"errors": self.errors}))
    }

    /// Errors of the query itself, each a GraphQL error without extensions.
    pub(super) fn query(code: &str, errors: impl IntoIterator<Item = Value>) -> Self {
        let extensions = json!({
            "http": {"status": 400, "headers": {}}, "code": code, "type": "graphql error", "userError": true,
        });
        let complete = |mut error: Value| {
            error["extensions"] = extensions.clone();
            error
        };
        Self {
            status: StatusCode::BAD_REQUEST,
            errors: errors.into_iter().map(complete).collect(),
        }
    }

    /// A missing or unknown key.
    pub(super) fn unauthenticated() -> Self {
        let extensions = json!({
            "type": "authentication error", "code": "AUTHENTICATION_ERROR", "statusCode": 401, "userError": true,
            "userPresentableMessage": "You need to authenticate to access this operation.",
            "meta": {}, "http": {"status": 401},
        });
        Self::single(
            StatusCode::UNAUTHORIZED,
            "Authentication required, not authenticated",
            extensions,
        )
    }

    /// A personal key after `Bearer`.
    pub(super) fn key_as_bearer() -> Self {
        let message = "It looks like you're trying to use an API key as a Bearer token. \
                       Remove the Bearer prefix from the Authorization header.";
        let extensions = json!({
            "type": "authentication error", "code": "AUTHENTICATION_ERROR", "statusCode": 400, "userError": true,
            "userPresentableMessage": message, "http": {"status": 400},
        });
        Self::single(StatusCode::BAD_REQUEST, message, extensions)
    }

    /// A read-only key.
    pub(super) fn write_scope() -> Self {
        let message = "Invalid scope: `write` required";
        let extensions = json!({
            "type": "forbidden", "code": "FORBIDDEN", "statusCode": 403, "userError": true,
            "userPresentableMessage": message, "http": {"status": 400},
        });
        Self::single(StatusCode::BAD_REQUEST, message, extensions)
    }

    /// Too many requests within `duration` milliseconds.
    pub(super) fn rate_limited(limit: u64, duration: u64) -> Self {
        let message = format!(
            "Rate limit exceeded. Only {limit} requests are allowed per 1 hour. For more information see our developer \
             docs at: https://linear.app/developers/rate-limiting"
        );
        let extensions = json!({
            "type": "ratelimited", "code": "RATELIMITED", "statusCode": 429, "userError": true,
            "userPresentableMessage": format!("{message}."),
            "meta": {"rateLimitResult": {
                "allowed": false, "requested": 1, "remaining": 0, "duration": duration, "limit": limit,
            }},
            "http": {"headers": {}, "status": 400},
        });
        Self::single(StatusCode::BAD_REQUEST, &message, extensions)
    }

    /// A query above the complexity limit.
    pub(super) fn too_complex(complexity: f64, most: u32) -> Self {
        let extensions = json!({
            "type": "invalid input", "code": "INPUT_ERROR", "statusCode": 400, "userError": true,
            "userPresentableMessage": format!(
                "The query is too complex. Complexity: {complexity}. Maximum allowed complexity: {most}."
            ),
            "http": {"status": 400},
        });
        Self::single(StatusCode::BAD_REQUEST, "Query too complex", extensions)
    }

    fn single(status: StatusCode, message: &str, extensions: Value) -> Self {
        let mut error = json!({ "message": message });
        error["extensions"] = extensions;
        Self {
            status,
            errors: vec![error],
        }
    }
}

/// An answer in Linear's content type.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    Answer::with_type(status, "application/json; charset=utf-8", body.to_string())
}
