//! The Jira double's state: issues, one workflow for all of them, and failure switches.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a Jira double.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// The only credentials accepted, `email:token` in Cloud, a personal access token in Data Center; any if absent.
    pub credentials: Option<String>,
    /// Cloud or Data Center.
    pub deployment: Deployment,
    /// Cloud only: wrong credentials make every issue look missing (404) instead of a 401.
    pub mask_unauthorized: bool,
    /// Rejects requests with 429.
    pub rate_limited: Option<RateLimited>,
    /// The workflow's statuses.
    pub statuses: Vec<Status>,
    /// The workflow's transitions.
    pub transitions: Vec<Transition>,
    /// Issues by key, in capitals.
    pub issues: BTreeMap<String, Issue>,
}

/// Atlassian's cloud or a self-hosted server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deployment {
    /// Jira Cloud.
    #[default]
    Cloud,
    /// Jira Data Center.
    DataCenter,
}

/// Rejection of requests with 429.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimited {
    /// The `Retry-After` header, in seconds; no such header if absent.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// How many requests are rejected; all if absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// Cloud's `RateLimit-Reason`: `jira-burst-based`, `jira-per-issue-on-write` (rejects only writes), `jira-quota-tenant-based`,
    /// `jira-quota-global-based`, ...
    #[serde(default = "burst")]
    pub reason: String,
}

fn burst() -> String {
    "jira-burst-based".to_owned()
}

/// Category of a status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// To do.
    #[default]
    New,
    /// In progress.
    Indeterminate,
    /// Done, with any outcome.
    Done,
}

/// A status of the workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    pub id: String,
    pub name: String,
    pub category: Category,
}

/// A transition of the workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    pub id: String,
    pub name: String,
    /// The source statuses by name; every status if empty.
    #[serde(default)]
    pub from: Vec<String>,
    /// The target status by name.
    pub to: String,
    /// The fields that its screen requires, such as `resolution`; no screen if empty.
    #[serde(default)]
    pub required: Vec<String>,
}

/// An issue, and what the API's account may do with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a permission that Jira grants by itself"
)]
pub struct Issue {
    /// The id; generated if empty.
    pub id: String,
    pub summary: String,
    /// The status's name.
    pub status: String,
    /// The labels; Jira sorts them.
    pub labels: Vec<String>,
    /// The comments, oldest first.
    pub comments: Vec<Comment>,
    /// The remote links, oldest first.
    pub remote_links: Vec<RemoteLink>,
    /// Former keys, which still find it.
    pub moved_from: Vec<String>,
    /// Whether its fields may be edited.
    pub editable: bool,
    /// Whether it may be moved through the workflow; if not, no transition is listed.
    pub transitionable: bool,
    /// Whether comments may be added.
    pub commentable: bool,
    /// Whether it may be linked.
    pub linkable: bool,
    /// The ids of the transitions made by API, oldest first.
    pub transitioned: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Comment {
    /// The id; generated if empty.
    pub id: String,
    /// The author's display name.
    pub author: String,
    /// The text, in Jira's wiki markup.
    pub body: String,
    /// When it was written; the next request sets it if absent.
    pub created: Option<Timestamp>,
}

/// A link to an external object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteLink {
    pub id: u64,
    /// The identity chosen by its creator.
    pub global_id: Option<String>,
    /// The relationship of the linked object to the issue.
    pub relationship: Option<String>,
    /// The application of the linked object, as sent.
    pub application: Value,
    /// The linked object, as sent: `url`, `title`, `summary`, `icon`, `status`.
    pub object: Value,
}

impl RemoteLink {
    /// The link's address; empty if it has none.
    #[must_use]
    pub fn url(&self) -> &str {
        self.object["url"].as_str().unwrap_or_default()
    }

    /// The link's title.
    #[must_use]
    pub fn title(&self) -> &str {
        self.object["title"].as_str().unwrap_or_default()
    }
}

impl Default for Issue {
    fn default() -> Self {
        Self {
            id: String::new(),
            summary: "An issue".to_owned(),
            status: "To Do".to_owned(),
            labels: Vec::new(),
            comments: Vec::new(),
            remote_links: Vec::new(),
            moved_from: Vec::new(),
            editable: true,
            transitionable: true,
            commentable: true,
            linkable: true,
            transitioned: Vec::new(),
        }
    }
}

impl Default for World {
    fn default() -> Self {
        let status = |id: &str, name: &str, category| Status {
            id: id.to_owned(),
            name: name.to_owned(),
            category,
        };
        let transition = |id: &str, name: &str, from: &[&str], to: &str| Transition {
            id: id.to_owned(),
            name: name.to_owned(),
            from: from.iter().map(|&name| name.to_owned()).collect(),
            to: to.to_owned(),
            required: Vec::new(),
        };
        let issue = Issue {
            summary: "Rotate the signing keys".to_owned(),
            status: "In Progress".to_owned(),
            labels: vec!["backend".to_owned()],
            ..Issue::default()
        };
        Self {
            credentials: None,
            deployment: Deployment::Cloud,
            mask_unauthorized: false,
            rate_limited: None,
            statuses: vec![
                status("10000", "To Do", Category::New),
                status("10001", "In Progress", Category::Indeterminate),
                status("10002", "Done", Category::Done),
                status("10003", "Rejected", Category::Done),
            ],
            transitions: vec![
                transition("21", "Start", &["To Do"], "In Progress"),
                transition("31", "Finish", &["In Progress"], "Done"),
                transition("41", "Reject", &["To Do", "In Progress"], "Rejected"),
                transition("51", "Reopen", &["Done", "Rejected"], "In Progress"),
            ],
            issues: BTreeMap::from([("PAY-7".to_owned(), issue)]),
        }
    }
}

impl World {
    /// The current key of the issue with this key (in any case), former key or id.
    pub(super) fn find(&self, key: &str) -> Option<String> {
        let named = |known: &String| known.eq_ignore_ascii_case(key);
        let found = self
            .issues
            .iter()
            .find(|(known, issue)| named(known) || (!issue.id.is_empty() && issue.id == key))
            .or_else(|| self.issues.iter().find(|(_, issue)| issue.moved_from.iter().any(named)));
        found.map(|(key, _)| key.clone())
    }

    /// The status of this name; one missing from the workflow counts as new.
    pub(super) fn status(&self, name: &str) -> Status {
        let known = self.statuses.iter().find(|status| status.name == name);
        known.cloned().unwrap_or_else(|| Status {
            id: "1".to_owned(),
            name: name.to_owned(),
            category: Category::New,
        })
    }

    /// An unused id for an issue, comment or remote link.
    pub(super) fn next_id(&self) -> u64 {
        let ids = self.issues.values().flat_map(|issue| {
            let comments = issue.comments.iter().map(|comment| &comment.id);
            let texts = comments.chain([&issue.id]).filter_map(|id| id.parse().ok());
            texts.chain(issue.remote_links.iter().map(|link| link.id))
        });
        ids.max().map_or(10_100, |highest| highest.max(10_099) + 1)
    }

    /// Fills in what the test left out: ids and times.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let mut next = self.next_id();
        let mut count = || {
            next += 1;
            next - 1
        };
        for issue in self.issues.values_mut() {
            if issue.id.is_empty() {
                issue.id = count().to_string();
            }
            for comment in &mut issue.comments {
                if comment.id.is_empty() {
                    comment.id = count().to_string();
                }
                comment.created.get_or_insert(now);
            }
            for link in issue.remote_links.iter_mut().filter(|link| link.id == 0) {
                link.id = count();
            }
            issue.labels.sort();
            issue.labels.dedup();
        }
    }
}
