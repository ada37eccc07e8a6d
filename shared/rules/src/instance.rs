//! A merge request of an instance that the rules do not name: its approvers are unknown.

use model::{ExceptionKind, Reason};

use crate::case::Case;

/// Why nothing is proven there; `None` if the rules name the instance.
pub(crate) fn unnamed(case: &Case<'_>) -> Option<Reason> {
    if case.approvers.is_some() {
        return None;
    }
    Some(Reason {
        kind: ExceptionKind::Unverified,
        detail: format!(
            "the rules do not name the instance {}, so who may approve there is unknown",
            case.instance
        ),
    })
}

#[cfg(test)]
mod tests;
