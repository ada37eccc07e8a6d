//! A value that was read or could not be read, and the reasons for not reading it.

use serde::{Deserialize, Serialize};

/// A value that was read, or could not be read. Unknown is a separate state and never counts as approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    Known(T),
    /// Permanently unreadable here (no permission, not in this tier, GitLab too old); the text contains the reason.
    Unknown(String),
}

impl<T> Reading<T> {
    /// The value, if it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// Reason for a value that was not read because nothing needs it.
pub const NOT_ASKED: &str = "not asked for";

/// Reason for a value that this GitLab version or tier does not offer. That is an answer: reading it again changes nothing.
pub const NOT_OFFERED: &str = "not offered by this GitLab version or tier";

/// The value assumed for an earlier version, which did not request it.
pub(super) fn not_asked<T>() -> Reading<T> {
    Reading::Unknown(NOT_ASKED.to_owned())
}

pub(super) fn was_not_asked<T>(reading: &Reading<T>) -> bool {
    matches!(reading, Reading::Unknown(why) if why == NOT_ASKED)
}
