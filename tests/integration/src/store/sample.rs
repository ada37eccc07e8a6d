//! Sample records of valid shape.

mod decisions;
mod deliveries;
mod exceptions;
mod reviews;

use jiff::{SignedDuration, Timestamp};
use model::{MergeRequestIid, MergeRequestKey, ProjectId, User, UserId};

pub(crate) use decisions::{approved_verdict, decision, exception_verdict, reasons};
pub(crate) use deliveries::{envelope, event};
pub(crate) use exceptions::{alert, exception, record_exception};
pub(crate) use reviews::{eligible, evaluation, ledger_row, pending, pending_review};

/// Noon of a fixed day, plus seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    "2026-03-02T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub(crate) fn key(mr_iid: i64) -> MergeRequestKey {
    MergeRequestKey {
        instance: "gitlab.example".to_owned(),
        project_id: ProjectId(77),
        mr_iid: MergeRequestIid(mr_iid),
    }
}

pub(crate) fn user(id: i64, username: &str) -> User {
    User {
        id: UserId(id),
        username: username.to_owned(),
    }
}
