mod corrected;

use model::{ExceptionKind, ExceptionStatus, MergeRequestIid, MergeRequestKey, ProjectId, Reason, UserId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::slack::escape::length;

const CHANNEL: &str = "C0SECLEAD";
const KEY: &str = "main/42!7/slack_exception_alert/slack:C0SECLEAD";

pub(in super::super) fn exception() -> SecurityReviewException {
    SecurityReviewException {
        id: Uuid::from_u128(0x0195_5000_0000_7000_8000_0000_0000_0001),
        merge_request: MergeRequestKey {
            instance: "main".into(),
            project_id: ProjectId(42),
            mr_iid: MergeRequestIid(7),
        },
        project_path: "pay/ledger".into(),
        mr_id: 9001,
        title: "Rotate the signing keys".into(),
        url: "https://gitlab.example.com/pay/ledger/-/merge_requests/7".into(),
        author: Some(User {
            id: UserId(11),
            username: "ada".into(),
        }),
        merged_by: Some(User {
            id: UserId(12),
            username: "bo".into(),
        }),
        labels: vec!["sec/high".into(), "security::review".into()],
        risk_tier: "high".into(),
        kind: ExceptionKind::SelfApproved,
        reasons: vec![Reason {
            kind: ExceptionKind::SelfApproved,
            detail: "ada approved at 2026-03-01T11:58:00Z".into(),
        }],
        approvals: vec![],
        merged_at: "2026-03-01T12:00:00.123Z".parse().unwrap(),
        merge_commit_sha: None,
        head_sha: None,
        rules_hash: "00".into(),
        status: ExceptionStatus::Open,
        recorded_at: "2026-03-01T12:00:02Z".parse().unwrap(),
        correlation_id: Uuid::nil(),
    }
}

fn posted(change: impl FnOnce(&mut SecurityReviewException)) -> SlackMessage {
    let mut exception = exception();
    change(&mut exception);
    exception_alert(&exception, &Wording::default(), CHANNEL, KEY)
}

/// Every text that Slack would show.
pub(in super::super) fn texts(message: &SlackMessage) -> Vec<String> {
    fn collect(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(text)) = object.get("text") {
                    texts.push(text.clone());
                }
                object.values().for_each(|value| collect(value, texts));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
            _ => {}
        }
    }
    let mut texts = vec![message.text.clone()];
    collect(&Value::from(message.blocks.clone()), &mut texts);
    texts
}

pub(in super::super) fn within_limits(message: &SlackMessage) {
    assert!(message.blocks.len() <= 50);
    for block in &message.blocks {
        match block["type"].as_str().unwrap() {
            "header" => assert!((1..=150).contains(&length(block["text"]["text"].as_str().unwrap()))),
            "section" if block.get("fields").is_some() => {
                let fields = block["fields"].as_array().unwrap();
                assert!((1..=10).contains(&fields.len()));
                assert!(
                    fields
                        .iter()
                        .all(|field| (1..=2000).contains(&length(field["text"].as_str().unwrap())))
                );
            }
            "section" => assert!((1..=3000).contains(&length(block["text"]["text"].as_str().unwrap()))),
            "context" => assert!((1..=10).contains(&block["elements"].as_array().unwrap().len())),
            other => panic!("an unknown block: {other}"),
        }
    }
    assert!(texts(message).iter().map(|text| length(text)).sum::<usize>() <= 12_000);
}

#[test]
fn the_whole_message_as_slack_gets_it() {
    let mut message = posted(|_| {}).to_json();
    let blocks = message.as_object_mut().unwrap().remove("blocks").unwrap();
    let blocks: Vec<_> = blocks.as_array().unwrap().iter().map(Value::to_string).collect();
    insta::assert_snapshot!(blocks.join("\n"), @r#"
    {"text":{"emoji":true,"text":"Merged without security approval","type":"plain_text"},"type":"header"}
    {"text":{"text":"*<https://gitlab.example.com/pay/ledger/-/merge_requests/7|Rotate the signing keys>*","type":"mrkdwn","verbatim":true},"type":"section"}
    {"fields":[{"text":"*Project*\npay/ledger !7","type":"mrkdwn","verbatim":true},{"text":"*Author*\nada (id 11)","type":"mrkdwn","verbatim":true},{"text":"*Merged by*\nbo (id 12)","type":"mrkdwn","verbatim":true},{"text":"*Labels*\nsec/high, security::review","type":"mrkdwn","verbatim":true},{"text":"*Tier*\nhigh","type":"mrkdwn","verbatim":true}],"type":"section"}
    {"text":{"text":"*Why*\nThe only approval came from the author.\n• ada approved at 2026-03-01T11:58:00Z","type":"mrkdwn","verbatim":true},"type":"section"}
    {"text":{"text":"*What to do*\nPlease review this merge soon and record your findings.","type":"mrkdwn","verbatim":true},"type":"section"}
    {"elements":[{"text":"Exception 01955000-0000-7000-8000-000000000001 · self_approved · merged 2026-03-01T12:00:00Z (<!date^1772366400^{date_short_pretty} {time}|2026-03-01T12:00:00Z>)","type":"mrkdwn","verbatim":true}],"type":"context"}
    "#);
    insta::assert_snapshot!(serde_json::to_string_pretty(&message).unwrap(), @r#"
    {
      "channel": "C0SECLEAD",
      "metadata": {
        "event_payload": {
          "exception_id": "01955000-0000-7000-8000-000000000001",
          "key": "main/42!7/slack_exception_alert/slack:C0SECLEAD",
          "kind": "self_approved",
          "mr_iid": 7,
          "project_id": 42
        },
        "event_type": "countersign_effect"
      },
      "text": "Merged without security approval: Rotate the signing keys (pay/ledger !7), merged by bo. The only approval came from the author.",
      "unfurl_links": false,
      "unfurl_media": false
    }
    "#);
}

#[test]
fn title_cannot_mention_format_or_link() {
    let message =
        posted(|exception| exception.title = "<!channel> *bold* <https://evil.example|click> a|b \u{202e}gnp".into());
    let title = message.blocks[1]["text"]["text"].as_str().unwrap();
    insta::assert_snapshot!(title, @"*<https://gitlab.example.com/pay/ledger/-/merge_requests/7|&lt;!channel&gt; ∗bold∗ &lt;https://evil.example¦click&gt; a¦b gnp>*");
    insta::assert_snapshot!(message.text, @"Merged without security approval: &lt;!channel&gt; ∗bold∗ &lt;https://evil.example¦click&gt; a¦b gnp (pay/ledger !7), merged by bo. The only approval came from the author.");
}

#[test]
fn an_unsafe_address_is_shown_as_text() {
    let message = posted(|exception| exception.url = "https://gitlab.example.com/x|Approved> <!here".into());
    let title = message.blocks[1]["text"]["text"].as_str().unwrap();
    insta::assert_snapshot!(title, @"*Rotate the signing keys (https://gitlab.example.com/x¦Approved&gt; &lt;!here)*");
}

#[test]
fn missing_values_are_shown_as_unknown() {
    let message = posted(|exception| {
        exception.author = None;
        exception.merged_by = None;
        exception.labels.clear();
        exception.title = " \n".into();
    });
    let shown = texts(&message).join("\n");
    for expected in [
        "(no title)",
        "*Author*\nunknown",
        "*Merged by*\nunknown",
        "*Labels*\nnone",
        "merged by an unknown user",
    ] {
        assert!(shown.contains(expected), "{expected} is not in\n{shown}");
    }
}

#[test]
fn everything_at_its_longest_still_fits() {
    let long = "<&>*🔒 ".repeat(20_000);
    let mut exception = exception();
    exception.title.clone_from(&long);
    exception.url = format!("https://gitlab.example.com/{}", "x".repeat(100_000));
    exception.project_path.clone_from(&long);
    exception.risk_tier.clone_from(&long);
    exception.labels = vec![long.clone(); 50];
    exception.author = Some(User {
        id: UserId(i64::MIN),
        username: long.clone(),
    });
    exception.merged_by = exception.author.clone();
    exception.reasons = ExceptionKind::ALL
        .iter()
        .map(|&kind| Reason {
            kind,
            detail: long.clone(),
        })
        .collect();
    let why = ExceptionKind::ALL.iter().map(|&kind| (kind, long.clone())).collect();
    let wording = Wording {
        headline: long.clone(),
        advice: long,
        why,
    };
    within_limits(&exception_alert(&exception, &wording, CHANNEL, KEY));
    for mark in [AlertMark::Corrected, AlertMark::OpenAgain, AlertMark::Withdrawn] {
        within_limits(&corrected_alert(&exception, mark, &wording, CHANNEL, KEY));
    }
}

#[test]
fn metadata_identifies_the_effect_of_the_message() {
    let metadata = posted(|_| {}).metadata;
    assert_eq!(metadata["event_type"], "countersign_effect");
    assert_eq!(metadata["event_payload"]["key"], KEY);
    assert_eq!(metadata["event_payload"]["mr_iid"], 7);
}

proptest! {
    #[test]
    fn external_text_stays_within_limits_without_commands(
        title in "\\PC*|[<!>@|*_ a\u{202e}]{0,400}",
        url in "https://[a-z./|<>!]{0,40}|\\PC*",
        name in "\\PC*|<!(channel|here|everyone)>",
        detail in "\\PC*|<!(channel|here|everyone)>",
    ) {
        let message = posted(|exception| {
            exception.title.clone_from(&title);
            exception.url = url;
            exception.project_path.clone_from(&name);
            exception.author = Some(User { id: UserId(1), username: name.clone() });
            exception.merged_by = Some(User { id: UserId(1), username: name.clone() });
            exception.labels = vec![name.clone()];
            exception.risk_tier = name;
            exception.reasons = vec![Reason { kind: ExceptionKind::NoApproval, detail }];
        });
        within_limits(&message);
        let commands: usize = texts(&message).iter().map(|text| text.matches("<!").count()).sum();
        prop_assert_eq!(commands, 1, "only our own <!date^...>");
        let links: usize = texts(&message).iter().map(|text| text.matches('<').count()).sum();
        prop_assert!(links <= 2, "at most the link of the title in addition");
        let again: Value = serde_json::from_str(&message.to_json().to_string()).unwrap();
        prop_assert_eq!(again, message.to_json());
    }
}
