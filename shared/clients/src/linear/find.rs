//! Which issue a merge request belongs to.

use audit::{Action, Context, Target};
use serde::Deserialize;
use serde_json::json;

use super::issue::{FIELDS, Issue, Nodes};
use super::{Linear, comment, issue_target};
use crate::{ArchivedMerge, CallError};
use rules::Tracking;

#[derive(Debug, Deserialize)]
struct IssueData {
    issue: Issue,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentsData {
    #[serde(rename = "attachmentsForURL")]
    attachments: Nodes<AttachmentJson>,
}

#[derive(Debug, Deserialize)]
struct AttachmentJson {
    issue: Issue,
}

impl Linear {
    /// The linked issue: the first that branch, title or description name, else the one that the merge request is attached to. `None`:
    /// none of them exists, or the credential may not see it.
    pub(super) async fn find(
        &self,
        context: &Context,
        merge: &ArchivedMerge,
        tracking: &Tracking,
    ) -> Result<Option<Issue>, CallError> {
        for key in merge.candidates(tracking) {
            match self.issue(context, merge, key).await {
                Ok(issue) if issue.trashed != Some(true) => return Ok(Some(issue)),
                Ok(_) => (),
                Err(error) if error.class == audit::FailureClass::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        self.attached(context, merge, tracking).await
    }

    async fn issue(&self, context: &Context, merge: &ArchivedMerge, key: &str) -> Result<Issue, CallError> {
        let query =
            format!("query Issue($id: String!, $url: String!, $comment: ID!) {{ issue(id: $id) {{ {FIELDS} }} }}");
        let variables = json!({"id": key, "url": merge.row.web_url, "comment": comment::id(merge)});
        let target = issue_target(key);
        let data: IssueData = self
            .ask(context, Action::LinearGetIssue, &target, &query, &variables)
            .await?;
        Ok(data.issue)
    }

    async fn attached(
        &self,
        context: &Context,
        merge: &ArchivedMerge,
        tracking: &Tracking,
    ) -> Result<Option<Issue>, CallError> {
        if merge.row.web_url.is_empty() {
            return Ok(None);
        }
        let query = format!(
            "query Attachments($url: String!, $comment: ID!) {{
                attachmentsForURL(url: $url, first: 10) {{ nodes {{ issue {{ {FIELDS} }} }} }}
            }}"
        );
        let variables = json!({"url": merge.row.web_url, "comment": comment::id(merge)});
        let target = Target::merge_request(&merge.row.merge_request);
        let data: AttachmentsData = self
            .ask(context, Action::LinearFindAttachments, &target, &query, &variables)
            .await?;
        let issues = data.attachments.nodes.into_iter().map(|attachment| attachment.issue);
        let mut counting = issues.filter(|issue| issue.trashed != Some(true) && tracking.counts(&issue.identifier));
        Ok(counting.next())
    }
}
