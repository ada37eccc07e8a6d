//! An issue as Jira returns it.

use audit::{Action, Context};
use serde::Deserialize;

use super::{Jira, issue_target};
use crate::CallError;

/// The key of the category of all closing statuses, the same in every language.
pub(super) const DONE: &str = "done";

#[derive(Debug, Clone, Deserialize)]
pub struct JiraIssue {
    /// Its current key, which differs if it was moved.
    pub(super) key: String,
    pub(super) fields: Fields,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Fields {
    pub(super) status: Status,
    #[serde(default)]
    pub(super) labels: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) name: String,
    pub(super) status_category: Category,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Category {
    pub(super) key: String,
}

impl JiraIssue {
    /// Its current key, such as `PAY-7`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn is_closed(&self) -> bool {
        self.fields.status.status_category.key == DONE
    }

    pub(super) fn has_label(&self, label: &str) -> bool {
        self.fields.labels.iter().any(|known| known == label)
    }
}

impl Jira {
    /// The issue with this key; `None`: it does not exist, or is hidden from the account.
    pub(super) async fn issue(&self, context: &Context, key: &str) -> Result<Option<JiraIssue>, CallError> {
        let mut url = self.issue_url(key, None);
        url.query_pairs_mut().append_pair("fields", "status,labels");
        match self.get(context, Action::JiraGetIssue, &issue_target(key), url).await {
            Ok(issue) => Ok(Some(issue)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
