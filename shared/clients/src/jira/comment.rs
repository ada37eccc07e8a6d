//! The comment with the decision, and whether it exists already.

use audit::{Action, Context};
use reqwest::Method;
use rules::Wording;
use serde::Deserialize;
use serde_json::json;

use super::{Jira, issue_target};
use crate::{CallError, MergeSummary};

/// Comments per page.
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

/// The comment in Jira's wiki markup
/// (<https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all>).
pub(super) fn body(merge: &MergeSummary, wording: &Wording, stays_open: Option<&str>) -> String {
    let heading = if merge.is_correction {
        "Security review: corrected"
    } else {
        "Security review"
    };
    let name = escaped(&merge.name());
    let link = match crate::address::shown(&merge.row.web_url) {
        Some(url) => format!("[{name}|{url}]"),
        None => name,
    };
    let mut lines = vec![
        format!("*{heading} of* {link}"),
        String::new(),
        escaped(&merge.sentence(wording)),
        String::new(),
    ];
    if let Some(stays_open) = stays_open {
        lines.push(stays_open.to_owned());
        lines.push(String::new());
    }
    let particulars = merge.particulars().into_iter();
    lines.extend(particulars.map(|(name, value)| format!("* {name}: {}", escaped(&value))));
    lines.push(String::new());
    lines.push(format!("Countersign reference {}", merge.reference));
    lines.join("\n")
}

/// Text without meaning in Jira's markup: no macros, links, mentions, images or emphasis.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '{' | '}' | '[' | ']' | '|' | '*' | '_' | '+' | '^' | '~' | '?' | '!' | '\\' | '@' | '#' | '&'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
