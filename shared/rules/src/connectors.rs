//! After the merge of a security-labelled merge request: which tracker, page and channel receive it. Data only.

mod mentions;
mod pods;

use serde::{Deserialize, Serialize};

pub use mentions::mentions;
pub use pods::{Pod, PodCandidate, Pods};

/// How tracker issues are found and marked; the same for every tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// Only issues with these prefixes count (`ENG` of `ENG-123`), in upper case; empty: any existing one.
    pub prefixes: Vec<String>,
    /// Label of issues whose review is valid.
    pub audited_label: String,
    /// Label of issues whose merge is an exception.
    pub exception_label: String,
    /// Also close the issue of an exception.
    pub close_exceptions: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinearRules {
    /// How issues are found and marked.
    pub tracking: Tracking,
    /// Name of the state that closes an issue; `None`: the team's first state of type completed.
    pub completed_state: Option<String>,
}

/// Jira, Cloud or Data Center.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JiraRules {
    /// Base address, such as `https://example.atlassian.net`. The only source of that address.
    pub base_url: String,
    /// How issues are found and marked.
    pub tracking: Tracking,
    /// Name of the status that closes an issue; `None`: any of the category done.
    pub done_status: Option<String>,
}

/// The audit page in Confluence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfluenceRules {
    /// Base address, such as `https://example.atlassian.net/wiki`. The only source of that address.
    pub base_url: String,
    pub page: AuditPage,
    /// A page that would exceed this many bytes is full, and the next row goes to a new one.
    pub page_limit_bytes: usize,
}

/// The page with the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditPage {
    Id(String),
    /// A page with this title, created from the template if missing.
    Titled {
        /// Key of its space.
        space: String,
        /// Its title, unique within the space.
        title: String,
        /// Id of its parent page; `None`: the space's home page.
        parent_id: Option<String>,
    },
}

impl AuditPage {
    /// Its name in the outbox: one destination per page.
    #[must_use]
    pub fn destination(&self) -> String {
        match self {
            Self::Id(id) => format!("confluence:{id}"),
            Self::Titled { space, title, .. } => format!("confluence:{space}/{title}"),
        }
    }
}

impl Tracking {
    /// Whether an issue with this key may be the linked one.
    #[must_use]
    pub fn counts(&self, key: &str) -> bool {
        let prefix = key.rsplit_once('-').map_or("", |(prefix, _)| prefix);
        self.prefixes.is_empty() || self.prefixes.iter().any(|known| known.eq_ignore_ascii_case(prefix))
    }
}
