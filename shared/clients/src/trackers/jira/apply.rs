//! Finds the issue, and applies what is missing. Repeating it changes nothing.

use audit::{Action, Context};
use reqwest::Method;
use rules::{JiraRules as Settings, Tracking};
use serde_json::json;

use super::issue::JiraIssue;
use super::{Jira, comment, issue_target};
use crate::{Advice, CallError, MergeSummary, Tracked, TrackerOptions};

/// What the issue lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Steps<'a> {
    comment: bool,
    add_label: Option<&'a str>,
    remove_labels: Vec<&'a str>,
    close: bool,
}

impl Jira {
    /// The linked issue: the first that branch, title or description mention. `None`: none of them exists.
    pub async fn find(
        &self,
        context: &Context,
        merge: &MergeSummary,
        tracking: &Tracking,
    ) -> Result<Option<JiraIssue>, CallError> {
        let candidates = merge.candidates(tracking);
        let mut is_seen = false;
        for (_, key) in &candidates {
            match self.issue(context, key).await? {
                // By its current key: an issue that was moved to another project belongs to that project.
                Some(issue) if tracking.counts(&issue.key) => return Ok(Some(issue)),
                Some(_) => is_seen = true,
                None => (),
            }
        }
        if !candidates.is_empty() && !is_seen {
            // Jira Cloud also answers "not found" to callers that are not authenticated.
            self.prove(context).await?;
        }
        Ok(None)
    }

    /// Marks the issue of a merge: labels it, links the merge request, comments the decision once, and closes it unless the merge
    /// is an exception.
    ///
    /// # Errors
    /// [`CallError`]. A repetition after any failure only adds what is missing.
    pub async fn mark(
        &self,
        context: &Context,
        merge: &MergeSummary,
        issue: &JiraIssue,
        settings: &Settings,
        options: TrackerOptions<'_>,
    ) -> Result<Tracked, CallError> {
        let has_comment = self.has_comment(context, &issue.key, merge).await?;
        let steps = Steps::of(issue, has_comment, merge, settings, options.blocked_by_exception);
        if steps.is_empty() {
            return Ok(Tracked::Done);
        }
        if options.read_only {
            return Ok(Tracked::Missing);
        }
        let result = self.apply(context, merge, issue, &steps, settings, options).await;
        // It existed a moment ago.
        result.map(|()| Tracked::Done).map_err(CallError::retry_if_not_found)
    }

    async fn apply(
        &self,
        context: &Context,
        merge: &MergeSummary,
        issue: &JiraIssue,
        steps: &Steps<'_>,
        settings: &Settings,
        options: TrackerOptions<'_>,
    ) -> Result<(), CallError> {
        // Closing comes last: a workflow may forbid edits of closed issues.
        self.label(context, issue, steps).await?;
        if steps.comment {
            match self.link(context, issue, merge).await {
                // Links are disabled on the site or forbidden to the account: the comment has the link as well.
                Err(error) if error.advice == Advice::Permanent && !error.is_not_found() => {
                    tracing::warn!(issue = issue.key, %error, "linking the merge request to the issue failed; the comment contains the link");
                }
                linked => linked?,
            }
            let stays_open = merge.stays_open(&settings.tracking, options.blocked_by_exception);
            let stays_open = stays_open.filter(|_| !issue.is_closed());
            let body = comment::body(merge, options.wording, stays_open);
            self.comment(context, &issue.key, &body).await?;
        }
        if steps.close {
            self.close(context, issue, settings.done_status.as_deref()).await?;
        }
        Ok(())
    }

    /// Labels are added and removed one by one, so that other labels stay as they are.
    async fn label(&self, context: &Context, issue: &JiraIssue, steps: &Steps<'_>) -> Result<(), CallError> {
        let add = steps.add_label.map(|label| json!({"add": label}));
        let remove = steps.remove_labels.iter().map(|label| json!({"remove": label}));
        let changes: Vec<_> = add.into_iter().chain(remove).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let url = self.issue_url(&issue.key, None);
        let body = json!({"update": {"labels": changes}});
        let target = issue_target(&issue.key);
        self.change(context, Action::JiraUpdateIssue, &target, (Method::PUT, url), &body)
            .await
    }

    /// A link with the same `globalId` is updated, not duplicated.
    async fn link(&self, context: &Context, issue: &JiraIssue, merge: &MergeSummary) -> Result<(), CallError> {
        let Some(address) = crate::address::shown(&merge.row.web_url) else {
            return Ok(());
        };
        let title = format!("{} {}", merge.name(), crate::plain::line(&merge.row.title, 200));
        let body = json!({
            "globalId": format!("countersign:{}", merge.row.merge_request),
            "relationship": "security review",
            "object": {"url": address, "title": crate::plain::line(&title, 250)},
        });
        let url = self.issue_url(&issue.key, Some("remotelink"));
        let target = issue_target(&issue.key);
        self.change(context, Action::JiraLinkIssue, &target, (Method::POST, url), &body)
            .await
    }
}

impl<'a> Steps<'a> {
    fn of(
        issue: &JiraIssue,
        has_comment: bool,
        merge: &MergeSummary,
        settings: &'a Settings,
        blocked_by_exception: bool,
    ) -> Self {
        let labels = merge.labels(&settings.tracking, blocked_by_exception);
        let mut wrong = labels.remove;
        wrong.retain(|label| issue.has_label(label));
        Self {
            comment: !has_comment,
            add_label: labels.add.filter(|label| !issue.has_label(label)),
            remove_labels: wrong,
            close: merge.closes(&settings.tracking, blocked_by_exception) && !issue.is_closed(),
        }
    }

    fn is_empty(&self) -> bool {
        !self.comment && !self.close && self.add_label.is_none() && self.remove_labels.is_empty()
    }
}
