//! The alert about an exception: what was merged, by whom, why that is an exception, and what to do.

use model::{SecurityReviewException, User};
use rules::Wording;
use serde_json::{Value, json};

use super::{Message, limit, markdown, section};
use crate::slack::harmless;

/// Reasons shown at most; there are eleven kinds, and the row holds all.
const MOST_REASONS: usize = 5;

/// The alert. `wording` is the operator's own and may use Slack's markup; everything else is made harmless.
///
/// `effect_key` goes into the message's metadata, where [`crate::slack::Slack::find_message`] finds it.
#[must_use]
pub fn exception_alert(
    exception: &SecurityReviewException,
    wording: &Wording,
    channel: &str,
    effect_key: &str,
) -> Message {
    let key = &exception.merge_request;
    let title = if exception.title.trim().is_empty() {
        "(no title)"
    } else {
        &exception.title
    };
    let link = harmless::link(&exception.url, title, 1500);
    let blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": harmless::plain(&wording.headline, limit::HEADER), "emoji": true}}),
        section(format!("*{link}*")),
        json!({"type": "section", "fields": fields(exception)}),
        section(why(exception, wording)),
        section(harmless::cut(
            &format!("*What to do*\n{}", wording.advice),
            limit::SECTION / 2,
        )),
        json!({"type": "context", "elements": [markdown(context(exception))]}),
    ];
    let payload = json!({
        "key": effect_key,
        "exception_id": exception.id.to_string(),
        "project_id": key.project_id.0,
        "mr_iid": key.mr_iid.0,
        "kind": exception.kind.as_str(),
    });
    Message::new(channel, fallback(exception, wording, title), blocks, &payload)
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
    .map(|(name, value)| markdown(format!("*{name}*\n{}", harmless::markdown(&value, limit::FIELD / 5))))
    .collect()
}

/// With the number, because the username may have changed since. Without `@`: the alert is for the channel, not for them.
fn person(user: Option<&User>) -> String {
    user.map_or_else(
        || "unknown".to_owned(),
        |user| format!("{} (id {})", user.username, user.id),
    )
}

fn why(exception: &SecurityReviewException, wording: &Wording) -> String {
    let mut text = harmless::cut(&format!("*Why*\n{}", wording.why(exception.kind)), limit::SECTION / 2);
    for reason in exception
        .reasons
        .iter()
        .filter(|reason| !reason.detail.is_empty())
        .take(MOST_REASONS)
    {
        text.push_str("\n• ");
        text.push_str(&harmless::markdown(
            &reason.detail,
            limit::SECTION / 2 / MOST_REASONS - 3,
        ));
    }
    text
}

fn context(exception: &SecurityReviewException) -> String {
    let at = exception.merged_at;
    let seconds = at.as_second();
    // Whole seconds suffice people, and Slack shows the instant in the reader's own time zone.
    let utc = format!("{at:.0}");
    let text = format!(
        "Exception {} · {} · merged {utc} (<!date^{seconds}^{{date_short_pretty}} {{time}}|{utc}>)",
        exception.id,
        exception.kind.as_str(),
    );
    harmless::cut(&text, limit::CONTEXT)
}

fn fallback(exception: &SecurityReviewException, wording: &Wording, title: &str) -> String {
    let merger = exception
        .merged_by
        .as_ref()
        .map_or("somebody unknown", |user| user.username.as_str());
    let text = format!(
        "{}: {} ({} !{}), merged by {}. {}",
        harmless::markdown(&wording.headline, limit::HEADER),
        harmless::markdown(title, 300),
        harmless::markdown(&exception.project_path, 300),
        exception.merge_request.mr_iid,
        harmless::markdown(merger, 100),
        harmless::cut(wording.why(exception.kind), 500),
    );
    harmless::cut(&text, limit::TEXT)
}

#[cfg(test)]
mod tests;
