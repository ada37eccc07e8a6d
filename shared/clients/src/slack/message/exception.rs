//! The alert about an exception: what was merged, by whom, why that is an exception, and what to do.

use std::borrow::Cow;

use model::{Reason, SecurityReviewException, User};
use rules::Wording;
use serde_json::{Value, json};

use super::{SlackMessage, date, limit, markdown, section};
use crate::slack::escape;

/// Most reasons that are shown; there are eleven kinds, and the row has all.
const MOST_REASONS: usize = 5;
/// Text of a withdrawn alert in place of a reason.
const NO_EXCEPTION: &str = "This merge is no longer an exception.";

/// How a later decision changed the alert, shown in its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertMark {
    /// Still an exception, with other details than the alert reported.
    Corrected,
    /// An exception again, after it was withdrawn.
    OpenAgain,
    /// Not an exception any more.
    Withdrawn,
}

impl AlertMark {
    fn as_str(self) -> &'static str {
        match self {
            Self::Corrected => "Corrected",
            Self::OpenAgain => "Open again",
            Self::Withdrawn => "Withdrawn",
        }
    }
}

/// The alert. `wording` is the operator's text and may use Slack's markup; everything else is sanitized.
///
/// `effect_key` goes into the message's metadata; [`crate::slack::Slack::find_message`] finds it there.
#[must_use]
pub fn exception_alert(
    exception: &SecurityReviewException,
    wording: &Wording,
    channel: &str,
    effect_key: &str,
) -> SlackMessage {
    alert(exception, None, wording, channel, effect_key)
}

/// The alert after a later decision; replaces the one that was sent with `effect_key`.
#[must_use]
pub fn corrected_alert(
    exception: &SecurityReviewException,
    mark: AlertMark,
    wording: &Wording,
    channel: &str,
    effect_key: &str,
) -> SlackMessage {
    alert(exception, Some(mark), wording, channel, effect_key)
}

fn alert(
    exception: &SecurityReviewException,
    mark: Option<AlertMark>,
    wording: &Wording,
    channel: &str,
    effect_key: &str,
) -> SlackMessage {
    let key = &exception.merge_request;
    let title = title(exception);
    let headline = headline(mark, wording);
    let link = escape::escape_link(&exception.url, title, 1500);
    let mut blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": escape::escape_plain(&headline, limit::HEADER), "emoji": true}}),
        section(format!("*{link}*")),
        json!({"type": "section", "fields": fields(exception)}),
    ];
    if mark == Some(AlertMark::Withdrawn) {
        blocks.push(section(format!(
            "*Withdrawn*\n{NO_EXCEPTION} The reply to this alert gives the reason. No action is needed."
        )));
        blocks.push(section(why("Reported before", exception, wording)));
    } else {
        let advice = format!("*What to do*\n{}", wording.advice);
        blocks.push(section(why("Why", exception, wording)));
        blocks.push(section(escape::cut(&advice, limit::SECTION / 2)));
    }
    blocks.push(json!({"type": "context", "elements": [markdown(context(exception))]}));
    let payload = json!({
        "key": effect_key,
        "exception_id": exception.id.to_string(),
        "project_id": key.project_id.0,
        "mr_iid": key.mr_iid.0,
        "kind": exception.kind.as_str(),
    });
    let because = match mark {
        Some(AlertMark::Withdrawn) => NO_EXCEPTION,
        _ => wording.why(exception.kind),
    };
    SlackMessage::new(channel, fallback(exception, &headline, because), blocks, &payload)
}

fn headline(mark: Option<AlertMark>, wording: &Wording) -> Cow<'_, str> {
    match mark {
        None => Cow::Borrowed(&wording.headline),
        Some(mark) => Cow::Owned(format!("{}: {}", mark.as_str(), wording.headline)),
    }
}

pub(super) fn title(exception: &SecurityReviewException) -> &str {
    if exception.title.trim().is_empty() {
        "(no title)"
    } else {
        &exception.title
    }
}

fn fields(exception: &SecurityReviewException) -> Vec<Value> {
    let iid = exception.merge_request.mr_iid;
    let labels = if exception.labels.is_empty() {
        "none".to_owned()
    } else {
        exception.labels.join(", ")
    };
    [
        ("Project", format!("{} !{iid}", exception.project_path)),
        ("Author", person(exception.author.as_ref())),
        ("Merged by", person(exception.merged_by.as_ref())),
        ("Labels", labels),
        ("Tier", exception.risk_tier.clone()),
    ]
    .into_iter()
    .map(|(name, value)| {
        markdown(format!(
            "*{name}*\n{}",
            escape::escape_markdown(&value, limit::FIELD / 5)
        ))
    })
    .collect()
}

/// With the id, because the username may have changed since. Without `@`: the alert is for the channel, not for the user.
pub(super) fn person(user: Option<&User>) -> String {
    user.map_or_else(
        || "unknown".to_owned(),
        |user| format!("{} (id {})", user.username, user.id),
    )
}

fn why(heading: &str, exception: &SecurityReviewException, wording: &Wording) -> String {
    let mut text = escape::cut(
        &format!("*{heading}*\n{}", wording.why(exception.kind)),
        limit::SECTION / 2,
    );
    text.push_str(&details(&exception.reasons));
    text
}

/// The details of the first reasons, a line each, in at most half a section.
pub(super) fn details(reasons: &[Reason]) -> String {
    let with_detail = reasons.iter().filter(|reason| !reason.detail.is_empty());
    let longest = limit::SECTION / 2 / MOST_REASONS - 3;
    with_detail.take(MOST_REASONS).fold(String::new(), |text, reason| {
        text + "\n• " + &escape::escape_markdown(&reason.detail, longest)
    })
}

fn context(exception: &SecurityReviewException) -> String {
    let at = exception.merged_at;
    let text = format!(
        "Exception {} · {} · merged {at:.0} ({})",
        exception.id,
        exception.kind.as_str(),
        date(at),
    );
    escape::cut(&text, limit::CONTEXT)
}

fn fallback(exception: &SecurityReviewException, headline: &str, because: &str) -> String {
    let merger = exception
        .merged_by
        .as_ref()
        .map_or("an unknown user", |user| user.username.as_str());
    let text = format!(
        "{}: {} ({} !{}), merged by {}. {}",
        escape::escape_markdown(headline, limit::HEADER),
        escape::escape_markdown(title(exception), 300),
        escape::escape_markdown(&exception.project_path, 300),
        exception.merge_request.mr_iid,
        escape::escape_markdown(merger, 100),
        escape::cut(because, 500),
    );
    escape::cut(&text, limit::TEXT)
}

#[cfg(test)]
pub(super) mod tests;
