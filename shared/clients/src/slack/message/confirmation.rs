//! The confirmation to the reviewers' pod: the review is closed, its result, and where the evidence is.

use rules::Wording;
use serde_json::{Value, json};

use super::{SlackMessage, date, limit, markdown, section};
use crate::MergeSummary;
use crate::slack::escape;

/// The confirmation of a merge. `effect_key` goes into the message's metadata; [`crate::slack::Slack::find_message`]
/// finds it there.
#[must_use]
pub fn pod_confirmation(merge: &MergeSummary, wording: &Wording, channel: &str, effect_key: &str) -> SlackMessage {
    let key = &merge.row.merge_request;
    let title = if merge.row.title.trim().is_empty() {
        "(no title)"
    } else {
        &merge.row.title
    };
    let link = escape::escape_link(&merge.row.web_url, title, 1500);
    let sentence = merge.sentence(wording);
    let mark = if merge.is_exception() { "⚠️" } else { "✅" };
    let blocks = vec![
        json!({"type": "header", "text": {"type": "plain_text", "text": headline(merge), "emoji": true}}),
        section(format!(
            "*{link}*\n{mark} {}",
            escape::cut(&sentence, limit::SECTION / 2)
        )),
        json!({"type": "section", "fields": fields(merge)}),
        json!({"type": "context", "elements": [markdown(context(merge))]}),
    ];
    let payload = json!({
        "key": effect_key,
        "decision_id": merge.decision_id.to_string(),
        "project_id": key.project_id.0,
        "mr_iid": key.mr_iid.0,
    });
    let text = format!(
        "{}: {} ({}). {}",
        headline(merge),
        escape::escape_markdown(title, 300),
        escape::escape_markdown(&merge.name(), 300),
        escape::cut(&sentence, 500),
    );
    SlackMessage::new(channel, escape::cut(&text, limit::TEXT), blocks, &payload)
}

fn headline(merge: &MergeSummary) -> &'static str {
    match (merge.is_correction, merge.is_exception()) {
        (true, _) => "Security review corrected",
        (false, true) => "Security review recorded as an exception",
        (false, false) => "Security review recorded",
    }
}

fn fields(merge: &MergeSummary) -> Vec<Value> {
    let by = merge.row.merge.as_ref().and_then(|merged| merged.by.as_ref());
    let or_none = |list: Vec<String>| {
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        }
    };
    [
        ("Merge request", merge.name()),
        ("Approved by", or_none(merge.approvers())),
        (
            "Merged by",
            by.map_or_else(
                || "unknown".to_owned(),
                |user| format!("{} (id {})", user.username, user.id),
            ),
        ),
        ("Labels", or_none(merge.row.review.labels.clone())),
        ("Tier", merge.row.review.risk_tier.clone()),
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

fn context(merge: &MergeSummary) -> String {
    let mut parts = vec![format!("Decision {}", merge.decision_id)];
    let evidence = merge.evidence.as_ref();
    parts.extend(evidence.map(|evidence| format!("evidence sha256:{}", evidence.sha256)));
    let merged = merge.row.merge.as_ref();
    parts.extend(merged.map(|merged| format!("merged {}", date(merged.at))));
    escape::cut(&parts.join(" · "), limit::CONTEXT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{approved, correction_of, exception};

    #[test]
    fn confirmation_has_review_result_and_evidence_link() {
        let confirmed =
            |merge: &MergeSummary| pod_confirmation(merge, &Wording::default(), "C0PODPAY", "key").to_json();
        insta::assert_snapshot!(format!("{:#}", confirmed(&approved())));
        insta::assert_snapshot!(format!("{:#}", confirmed(&exception())));
        assert!(
            confirmed(&correction_of(&approved()))["text"]
                .as_str()
                .unwrap()
                .starts_with("Security review corrected: ")
        );
    }

    #[test]
    fn hostile_text_is_only_text() {
        let mut merge = approved();
        merge.row.title = "<!channel> *x* <https://evil.example|click>".to_owned();
        merge.row.project_path = "<@U123>".to_owned();
        merge.row.web_url = "javascript:alert(1)".to_owned();
        merge.row.review.labels = vec!["<!here>".to_owned(); 300];
        let shown = pod_confirmation(&merge, &Wording::default(), "C0PODPAY", "key")
            .to_json()
            .to_string();
        for markup in ["<!channel", "<https://evil", "<@U123", "<!here", "<javascript"] {
            assert!(!shown.contains(markup), "{markup}: {shown}");
        }
        assert!(shown.len() < 12_000, "{}", shown.len());
    }
}
