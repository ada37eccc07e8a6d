//! No objection to an approval is proven, and the approval is not proven either.

use model::{ExceptionKind, Reason};

use crate::approval::ApprovalRecord;
use crate::case::CheckOutcome;
use crate::time::readable;

/// What is unknown about the approval; if nothing is, that GitLab does not list what the stored events show.
pub(crate) fn reasons(record: &ApprovalRecord<'_>, outcomes: &[(ExceptionKind, CheckOutcome)]) -> Vec<Reason> {
    let unverified = |detail: String| Reason {
        kind: ExceptionKind::Unverified,
        detail,
    };
    let unknown = outcomes.iter().filter_map(|(_, outcome)| match outcome {
        CheckOutcome::Unknown(detail) => Some(unverified(detail.clone())),
        CheckOutcome::Clear | CheckOutcome::Holds(_) => None,
    });
    let mut reasons: Vec<Reason> = unknown.collect();
    if reasons.is_empty() {
        let at = record.shown_at().map(readable).unwrap_or_default();
        let name = &record.user.username;
        reasons.push(unverified(format!(
            "an approval by {name} at {at} was received and never taken back, but GitLab does not list it"
        )));
    }
    reasons
}

/// An approval that GitLab does not list was given about the time of the merge.
pub(crate) fn unordered(record: &ApprovalRecord<'_>) -> Reason {
    let at = record.shown_at().map(readable).unwrap_or_default();
    let name = &record.user.username;
    Reason {
        kind: ExceptionKind::Unverified,
        detail: format!(
            "{name} approved about {at}, GitLab does not list it, and whether it was before the merge is unknown"
        ),
    }
}
