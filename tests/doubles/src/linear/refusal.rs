//! Errors of single fields; the status remains 200.
//!
//! Linear's documentation does not show them. They follow recorded answers: an entity that is not found (September 2026), a
//! comment's id used twice (August 2026), and the texts about labels and states (<https://github.com/linear/linear/issues/159>).
//! The values of `type` are those of <https://github.com/linear/linear/blob/master/packages/sdk/src/error.ts>.

use serde_json::{Value, json};

/// Why one field has no answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) extensions: Value,
}

impl Refusal {
    /// Well-formed input that Linear rejects.
    pub(super) fn input(message: impl Into<String>, presentable: impl Into<String>) -> Self {
        Self::user("INPUT_ERROR", message.into(), &presentable.into())
    }

    /// Malformed input.
    pub(super) fn argument(presentable: &str) -> Self {
        Self::user("INVALID_INPUT", "Argument Validation Error".to_owned(), presentable)
    }

    /// A missing object, or one that the key may not see.
    pub(super) fn not_found(entity: &str) -> Self {
        Self::input(
            format!("Entity not found: {entity}"),
            format!("Could not find referenced {entity}."),
        )
    }

    /// A failure on Linear's side.
    pub(super) fn failure() -> Self {
        Self::internal("Internal server error")
    }

    /// A failure on Linear's side, with another message.
    pub(super) fn internal(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            extensions: json!({
                "type": "internal error", "code": "INTERNAL_SERVER_ERROR", "statusCode": 500, "userError": false,
            }),
        }
    }

    fn user(code: &str, message: String, presentable: &str) -> Self {
        let extensions = json!({
            "type": "invalid input", "code": code, "statusCode": 400, "userError": true,
            "userPresentableMessage": presentable,
        });
        Self { message, extensions }
    }
}
