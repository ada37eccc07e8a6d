//! Numeric GitLab identities. Paths and usernames change, numbers within an instance do not.

use serde::{Deserialize, Serialize};

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

numeric_id!(
    /// GitLab's numeric id of a project, unique within an instance.
    ProjectId
);
numeric_id!(
    /// The merge request's number within its project, the one people write as `!42`.
    MergeRequestIid
);
numeric_id!(
    /// GitLab's numeric id of a user (or bot), unique within an instance.
    UserId
);

/// Permanent name of one merge request: the key of the ledger, of exceptions and of effects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MergeRequestKey {
    /// The GitLab instance, named by the hook entry of the webhook secret; never taken from a header.
    pub instance: String,
    pub project_id: ProjectId,
    /// The number within the project.
    pub mr_iid: MergeRequestIid,
}

impl std::fmt::Display for MergeRequestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}!{}", self.instance, self.project_id, self.mr_iid)
    }
}

/// A person or bot: the id identifies, the username is a snapshot for display.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    /// The username when we saw it.
    pub username: String,
}

impl User {
    /// Whether the username has the form of GitLab's access token bots: `project_<id>_bot…`, `group_<id>_bot…`.
    #[must_use]
    pub fn looks_like_bot(&self) -> bool {
        ["project_", "group_"].iter().any(|prefix| {
            self.username.strip_prefix(prefix).is_some_and(|rest| {
                let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                digits.len() < rest.len() && (digits == "_bot" || digits.starts_with("_bot_"))
            })
        })
    }
}
