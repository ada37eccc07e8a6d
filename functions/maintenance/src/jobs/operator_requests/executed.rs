//! The result of executing an operator request.

use serde_json::{Value, json};

/// Exit codes of the operator's command.
pub(super) mod exit {
    pub(in super::super) const DONE: i32 = 0;
    /// There was nothing to do.
    pub(in super::super) const NOTHING: i32 = 1;
    /// The request cannot be executed as it was recorded.
    pub(in super::super) const USAGE: i32 = 2;
    pub(in super::super) const DATABASE: i32 = 3;
}

/// The result of working on a request.
pub(super) enum Executed {
    Finished {
        result: Value,
        exit_code: i32,
    },
    /// It is not; the next run continues.
    Unfinished {
        progress: Value,
    },
}

impl Executed {
    /// It cannot be executed as it was recorded.
    pub(super) fn rejected(reason: &str) -> Self {
        Self::Finished {
            result: json!({"reason": reason}),
            exit_code: exit::USAGE,
        }
    }
}
