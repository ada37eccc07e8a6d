//! The comment with the decision, and whether it exists already.

use audit::{Action, Context};
use reqwest::Method;
use rules::Wording;
use serde::Deserialize;
use serde_json::json;

use super::{Jira, issue_target};
use crate::trackers::comment::Markup;
use crate::{CallError, MergeSummary};

const PAGE: usize = 100;
/// Most pages that are read; the newest comments come first, and ours is new.
const MOST_PAGES: usize = 10;

#[derive(Debug, Deserialize)]
struct CommentsJson {
    comments: Vec<CommentJson>,
    #[serde(default)]
    total: usize,
}

#[derive(Debug, Deserialize)]
struct CommentJson {
    #[serde(default)]
    body: String,
}

impl Jira {
    /// Whether the issue has the comment of this effect: found by the reference at its end.
    pub(super) async fn has_comment(
        &self,
        context: &Context,
        key: &str,
        merge: &MergeSummary,
    ) -> Result<bool, CallError> {
        let reference = merge.reference.to_string();
        for page in 0..MOST_PAGES {
            let mut url = self.issue_url(key, Some("comment"));
            url.query_pairs_mut()
                .append_pair("startAt", &(page * PAGE).to_string())
                .append_pair("maxResults", &PAGE.to_string())
                .append_pair("orderBy", "-created");
            let found: CommentsJson = self
                .get(context, Action::JiraGetComments, &issue_target(key), url)
                .await?;
            if found.comments.iter().any(|comment| comment.body.contains(&reference)) {
                return Ok(true);
            }
            if found.comments.is_empty() || found.total <= (page + 1) * PAGE {
                break;
            }
        }
        Ok(false)
    }

    pub(super) async fn comment(&self, context: &Context, key: &str, body: &str) -> Result<(), CallError> {
        let url = self.issue_url(key, Some("comment"));
        let action = Action::JiraAddComment;
        self.change(
            context,
            action,
            &issue_target(key),
            (Method::POST, url),
            &json!({"body": body}),
        )
        .await
    }
}

/// Jira's wiki markup: no macros, links, mentions, images or emphasis
/// (<https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all>).
const WIKI: Markup = Markup {
    title: |heading, link| format!("*{heading} of* {link}"),
    link: |name, url| format!("[{name}|{url}]"),
    item: "*",
    is_special: |c| "{}[]|*_+^~?!\\@#&".contains(c),
};

/// The comment; its last line identifies it.
pub(super) fn body(merge: &MergeSummary, wording: &Wording, stays_open: Option<&str>) -> String {
    let mut lines = WIKI.comment(merge, wording, stays_open);
    lines.extend([String::new(), format!("Countersign reference {}", merge.reference)]);
    lines.join("\n")
}
