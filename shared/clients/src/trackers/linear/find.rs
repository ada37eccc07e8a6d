//! Which issue a merge request belongs to.

use audit::{Action, Context, Target};
use model::MentionPlace;
use serde::Deserialize;
use serde_json::json;

use super::issue::{FIELDS, LinearIssue, Nodes};
use super::{Linear, comment, issue_target};
use crate::{CallError, MergeSummary};
use rules::Tracking;

#[derive(Debug, Deserialize)]
struct IssueData {
    issue: LinearIssue,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentsData {
    #[serde(rename = "attachmentsForURL")]
    attachments: Nodes<AttachmentJson>,
}

#[derive(Debug, Deserialize)]
struct AttachmentJson {
    issue: LinearIssue,
}

impl LinearIssue {
    /// Whether it may be the linked one: not in the trash, and of a configured team.
    fn may_be(&self, tracking: &Tracking) -> bool {
        self.trashed != Some(true) && tracking.counts(&self.identifier)
    }
}

impl Linear {
    /// The linked issue: the first that branch or title mention, else the one that the merge request is attached to, else the first
    /// that the description mentions. `None`: none of them exists, or it is hidden from the credential.
    pub async fn find(
        &self,
        context: &Context,
        merge: &MergeSummary,
        tracking: &Tracking,
    ) -> Result<Option<LinearIssue>, CallError> {
        let candidates = merge.candidates(tracking);
        let (described, named): (Vec<_>, Vec<_>) = candidates
            .into_iter()
            .partition(|(place, _)| *place == MentionPlace::Description);
        if let Some(issue) = self.first_of(context, merge, tracking, &named).await? {
            return Ok(Some(issue));
        }
        // A description may mention issues in passing; an attachment was made on purpose.
        if let Some(issue) = self.attached(context, merge, tracking).await? {
            return Ok(Some(issue));
        }
        self.first_of(context, merge, tracking, &described).await
    }

    async fn first_of(
        &self,
        context: &Context,
        merge: &MergeSummary,
        tracking: &Tracking,
        candidates: &[(MentionPlace, &str)],
    ) -> Result<Option<LinearIssue>, CallError> {
        for (_, key) in candidates {
            match self.issue(context, merge, key).await {
                // By its current key: an issue that was moved to another team belongs to that team.
                Ok(issue) if issue.may_be(tracking) => return Ok(Some(issue)),
                Ok(_) => (),
                Err(error) if error.class == audit::FailureClass::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn issue(&self, context: &Context, merge: &MergeSummary, key: &str) -> Result<LinearIssue, CallError> {
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
        merge: &MergeSummary,
        tracking: &Tracking,
    ) -> Result<Option<LinearIssue>, CallError> {
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
        let mut counting = issues.filter(|issue| issue.may_be(tracking));
        Ok(counting.next())
    }
}
