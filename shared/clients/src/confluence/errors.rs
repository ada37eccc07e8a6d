//! Failures that no single call shows: a missing page, an unreadable body.

use audit::{Action, FailureClass};

use super::storage::MalformedStorage;
use crate::{Advice, CallError};

pub(super) fn malformed(error: &MalformedStorage) -> CallError {
    problem(FailureClass::InvalidResponse, error.to_string())
}

pub(super) fn gone(id: &str) -> CallError {
    let message = format!("page {id} does not exist, or the account may not see it");
    problem(FailureClass::NotFound, message)
}

pub(super) fn no_space(key: &str) -> CallError {
    let message = format!("space {key} does not exist, or the account may not see it");
    problem(FailureClass::NotFound, message)
}

pub(super) fn problem(class: FailureClass, message: String) -> CallError {
    CallError {
        action: Action::ConfluenceGetPage,
        class,
        advice: Advice::Permanent,
        sent: true,
        http_status: None,
        message,
    }
}
