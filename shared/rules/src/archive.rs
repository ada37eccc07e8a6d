//! What happens to a security-labelled merge request after its merge: which tracker, page and channel hear of it. Data only.

mod mentions;
mod pods;

use serde::{Deserialize, Serialize};

pub use mentions::mentions;
pub use pods::{Pod, Pods, Subject};

/// How issues of a tracker are found and marked; the same for every tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// Only issues with these prefixes count (`ENG` of `ENG-123`), in capitals; empty: any that exist.
    pub prefixes: Vec<String>,
    /// Label of issues whose review was in order.
    pub audited_label: String,
    /// Label of issues whose merge is an exception.
    pub exception_label: String,
    /// Close the issue of an exception all the same.
    pub close_exceptions: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linear {
    /// How issues are found and marked.
    pub tracking: Tracking,
    /// Name of the state that closes an issue; `None`: the team's first state of type completed.
    pub completed_state: Option<String>,
}

/// Jira, Cloud or Data Center.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jira {
    /// Base address, such as `https://example.atlassian.net`. The only source of that address.
    pub base_url: String,
    /// How issues are found and marked.
    pub tracking: Tracking,
    /// Name of the status that closes an issue; `None`: any of the category done.
    pub done_status: Option<String>,
}

/// The audit page in Confluence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confluence {
    /// Base address, such as `https://example.atlassian.net/wiki`. The only source of that address.
    pub base_url: String,
    pub page: AuditPage,
    /// A page that would grow beyond this many bytes is full, and the next row goes to a new one.
    pub page_limit_bytes: usize,
}

/// Which page holds the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditPage {
    /// One that exists.
    Id(String),
    /// One of this title, made from the template if it is missing.
    Titled {
        /// Key of its space.
        space: String,
        /// Its title, unique within the space.
        title: String,
        /// Id of the page below which it is made; `None`: the space's home page.
        parent_id: Option<String>,
    },
}

impl AuditPage {
    /// How the outbox names it: one destination for each page.
    #[must_use]
    pub fn destination(&self) -> String {
        match self {
            Self::Id(id) => format!("confluence:{id}"),
            Self::Titled { space, title, .. } => format!("confluence:{space}/{title}"),
        }
    }
}

impl Tracking {
    /// Whether an issue of this key may be the one.
    #[must_use]
    pub fn counts(&self, key: &str) -> bool {
        let prefix = key.rsplit_once('-').map_or("", |(prefix, _)| prefix);
        self.prefixes.is_empty() || self.prefixes.iter().any(|known| known.eq_ignore_ascii_case(prefix))
    }
}
