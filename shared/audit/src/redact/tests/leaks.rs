//! Secrets within any text that reaches a line: none is printed.

use std::sync::Arc;

use model::{FixedClock, MergeRequestIid, MergeRequestKey, ProjectId};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::{Action, ActorType, Context, Entry, Outcome, Target, Text, Writer};

/// A secret: its whole text, and the part that must not be printed.
#[derive(Debug, Clone)]
struct Secret {
    text: String,
    hidden: String,
}

fn secret(before: impl Into<String>, hidden: String, after: &str) -> Secret {
    let text = format!("{}{hidden}{after}", before.into());
    Secret { text, hidden }
}

fn secrets() -> impl Strategy<Value = Secret> {
    let prefixes = [
        "glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "xoxb-", "xoxp-", "xoxe-", "xapp-", "whsec_",
        "lin_api_",
    ];
    prop_oneof![
        (select(prefixes.to_vec()), "[A-Za-z0-9_-]{16,40}").prop_map(|(prefix, rest)| secret(prefix, rest, "")),
        "[A-Z0-9]{16}".prop_map(|rest| secret("AKIA", rest, "")),
        "[A-Za-z0-9]{36}".prop_map(|rest| secret("ghp_", rest, "")),
        ("[A-Za-z0-9_-]{10,30}", "[A-Za-z0-9_-]{10,30}").prop_map(|(body, rest)| secret(
            format!("eyJ{body}.eyJ{body}."),
            rest,
            ""
        )),
        (
            select(vec![" Bearer ", " bearer ", " Basic ", "\nBASIC  "]),
            "[!#-&*+./0-9:=?A-Z^_a-z|~-]{8,40}"
        )
            .prop_map(|(scheme, rest)| secret(scheme, rest, " ")),
        "[A-Za-z0-9+/=\n]{64,200}".prop_map(|rest| secret(
            "-----BEGIN PRIVATE KEY-----\n",
            rest,
            "\n-----END PRIVATE KEY-----"
        )),
        "[A-Za-z0-9+/]{64,100}".prop_map(|rest| secret("-----BEGIN EC PRIVATE KEY-----", rest, "")),
        ("[a-z]{1,8}\\.[a-z]{8}", "[a-z]{3,8}(\\.[a-z]{2,5}){1,2}").prop_map(|(local, domain)| secret(
            "",
            local,
            &format!("@{domain}")
        )),
        "[a-z]{10}".prop_map(|local| secret("", local, "%40example.com")),
        "[A-Za-z0-9!$%&*+,;=_.~-]{8,20}".prop_map(|password| secret("https://alice:", password, "@host.example/path")),
        "[A-Za-z0-9]{12}".prop_map(|value| secret("https://host.example/path?private_token=", value, "&page=2")),
        "[A-Za-z0-9]{12}".prop_map(|value| secret("/path?x=1&y=", value, "")),
        "[A-Za-z0-9]{12}".prop_map(|value| secret("\"password\": \"", value, "\"")),
        "[A-Za-z0-9]{20}".prop_map(|value| secret(" Private-Token: ", value, " ")),
    ]
}

/// Every line of an entry that has the text wherever text is allowed.
fn printed(text: &str) -> Vec<String> {
    let now = "2026-01-31T18:29:18.123Z".parse().unwrap();
    let (writer, memory) = Writer::memory("processor", Arc::new(FixedClock(now)));
    let context = Context::new(ActorType::WebhookEvent, Uuid::from_u128(7)).with_traceparent(Some(text.to_owned()));
    let key = MergeRequestKey {
        instance: text.to_owned(),
        project_id: ProjectId(123),
        mr_iid: MergeRequestIid(45),
    };
    let printed = serde_json::json!({"resource_type": text, "instance": text, "id": text, text: text});
    let targets = [
        Target::merge_request(&key),
        Target::project(ProjectId(1)).at(text),
        Target::other("thing", text),
        Target::other("thing", text.to_owned()),
        Target::from_parsed(printed.as_object().unwrap()),
    ];
    for target in targets {
        let announced = writer.announce_call(Action::SlackPostMessage, &context, &target);
        let entry = Entry::new(Action::SlackPostMessage, &context, target, Outcome::Success)
            .detail("borrowed", text)
            .detail("owned", text.to_owned())
            .detail("optional", Some(text))
            .detail("optional_owned", Some(text.to_owned()))
            .detail("text", Text::new(text));
        writer.write(&entry.clone().completes(announced));
        let keyed = entry.keyed(now, text);
        writer.announce_entry(&keyed);
        writer.write(&keyed);
    }
    memory.lines()
}

fn leaked(lines: &[String], hidden: &str) -> usize {
    let escaped = serde_json::to_string(hidden).unwrap();
    let needle = escaped.trim_matches('"');
    lines.iter().filter(|line| line.contains(needle)).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn secret_is_never_printed_in_any_context(
        secret in secrets(), before in "([ -~]{0,30}[\n (,;])?", after in "([ \n),;][ -~]{0,30})?",
    ) {
        // Surrounding text that quotes the secret would leak by itself.
        prop_assume!(!before.contains(&secret.hidden) && !after.contains(&secret.hidden));
        let lines = printed(&format!("{before}{}{after}", secret.text));
        prop_assert_eq!(lines.len(), 20);
        prop_assert_eq!(leaked(&lines, &secret.hidden), 0, "{}", lines[1]);
    }

    #[test]
    fn a_token_is_found_amid_any_text(before in any::<String>(), after in any::<String>(), rest in "[A-Za-z0-9]{20}") {
        let lines = printed(&format!("{before}glpat-{rest}{after}"));
        prop_assert_eq!(leaked(&lines, &rest), 0);
    }

    #[test]
    fn redacting_twice_changes_nothing_more(secret in secrets(), before in "([a-z]{0,8}[ ,.])*", after in "([ ,.][a-z]{0,8})*") {
        let once = super::redact(&format!("{before}{}{after}", secret.text)).into_owned();
        prop_assert_eq!(super::redact(&once).into_owned(), once.clone());
    }

    #[test]
    fn the_check_finds_what_is_printed(word in "[a-z]{12}") {
        // Control: the same check finds a word that is not a secret.
        prop_assert_eq!(leaked(&printed(&format!("on behalf of {word}")), &word), 20);
    }
}
