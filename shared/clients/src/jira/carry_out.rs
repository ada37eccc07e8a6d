//! The whole of it: finds the issue, and does what is missing there. Repeating it changes nothing.

use audit::{Action, Context};
use reqwest::Method;
use rules::{Jira as Settings, Wording};
use serde_json::json;

use super::issue::Issue;
use super::{Jira, comment, issue_target};
use crate::archived::Tracked;
use crate::{ArchivedMerge, CallError};

/// What is missing at the issue.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Steps<'a> {
    comment: bool,
    add_label: Option<&'a str>,
    remove_label: Option<&'a str>,
    close: bool,
}

impl Jira {
    /// Marks the issue of a merge: labels it, links the merge request, says once what was decided, and closes it unless the merge is an
    /// exception. With `only_look` nothing is changed.
    ///
    /// # Errors
    /// [`CallError`]. Whatever came of it, doing it again does only what is missing.
    pub async fn audit(
        &self,
        context: &Context,
        merge: &ArchivedMerge,
        settings: &Settings,
        wording: &Wording,
        only_look: bool,
    ) -> Result<Tracked, CallError> {
        let Some(issue) = self.find(context, merge, settings).await? else {
            return Ok(Tracked::NoIssue);
        };
        let has_comment = self.has_comment(context, &issue.key, merge).await?;
        let steps = Steps::of(&issue, has_comment, merge, settings);
        if steps.are_none() {
            return Ok(Tracked::Done(issue.key));
        }
        if only_look {
            return Ok(Tracked::Missing);
        }
        // Closing comes last: a workflow may forbid to edit what is closed.
        self.label(context, &issue, &steps).await?;
        if steps.comment {
            self.link(context, &issue, merge).await?;
            let will_close = merge.closes(&settings.tracking);
            let body = comment::body(merge, wording, will_close);
            self.comment(context, &issue.key, &body).await?;
        }
        if steps.close {
            self.close(context, &issue, settings.done_status.as_deref()).await?;
        }
        Ok(Tracked::Done(issue.key))
    }

    async fn find(
        &self,
        context: &Context,
        merge: &ArchivedMerge,
        settings: &Settings,
    ) -> Result<Option<Issue>, CallError> {
        let candidates = merge.candidates(&settings.tracking);
        for key in &candidates {
            if let Some(issue) = self.issue(context, key).await? {
                return Ok(Some(issue));
            }
        }
        if !candidates.is_empty() {
            // Jira's cloud also says that an issue does not exist to whoever cannot prove himself.
            self.prove(context).await?;
        }
        Ok(None)
    }

    /// Labels are added and removed one by one, so that nobody else's are touched.
    async fn label(&self, context: &Context, issue: &Issue, steps: &Steps<'_>) -> Result<(), CallError> {
        let add = steps.add_label.map(|label| json!({"add": label}));
        let remove = steps.remove_label.map(|label| json!({"remove": label}));
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

    /// A link of the same `globalId` is updated, not doubled.
    async fn link(&self, context: &Context, issue: &Issue, merge: &ArchivedMerge) -> Result<(), CallError> {
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
    fn of(issue: &Issue, has_comment: bool, merge: &ArchivedMerge, settings: &'a Settings) -> Self {
        let (wanted, unwanted) = merge.labels(&settings.tracking);
        Self {
            comment: !has_comment,
            add_label: Some(wanted).filter(|label| !issue.has_label(label)),
            remove_label: Some(unwanted).filter(|label| merge.is_correction && issue.has_label(label)),
            close: merge.closes(&settings.tracking) && !issue.is_closed(),
        }
    }

    fn are_none(&self) -> bool {
        !self.comment && !self.close && self.add_label.is_none() && self.remove_label.is_none()
    }
}
