//! Entries about what GitLab reports and nothing else handles: commands in comments, and pushes.

use audit::{Action, Context, Entry, Outcome, Text, command_correlation};
use inbound::gitlab::{NoteCommand, NoteEvent, PushEvent};
use jiff::{SignedDuration, Timestamp};
use model::{Authentication, DeliveryIds, codes, sha256_hex};

use super::assessment::RecordedEvent;
use super::audit_entry::recorded_target;

/// Longest arguments kept as text, in characters.
const ARGUMENTS_CHARS: usize = 200;
/// A command in an older comment has the time of its edit: months of the audit log that old can be closed.
const OLDEST_NOTE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How far GitLab's clock may be ahead.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(5);

codes! {
    /// How the arguments of a command are recorded.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CommandArguments {
        /// Their SHA-256 alone.
        Digest = "digest",
        /// Also their text, redacted and shortened; never of confidential comments.
        Text = "text",
    }
}

/// The delivery that reports an event.
#[derive(Debug, Clone, Copy)]
pub struct Reported<'a> {
    pub authentication: &'a Authentication,
    pub delivery: &'a DeliveryIds,
    pub received_at: Timestamp,
}

/// The entries of an event.
#[must_use]
pub fn derived_entries(
    context: &Context,
    reported: Reported<'_>,
    event: &RecordedEvent,
    arguments: CommandArguments,
) -> Vec<Entry> {
    let target = recorded_target(reported.authentication, event);
    let begin = |action| {
        Entry::new(action, context, target.clone(), Outcome::Success)
            .detail("delivery_id", reported.delivery.id.as_deref())
            .detail("stale", reported.authentication.stale.then_some(true))
    };
    match event {
        RecordedEvent::Push(push) => vec![push_entry(begin(Action::GitPushReceived), push, reported)],
        RecordedEvent::Commands(note, _, commands) => {
            let entry = |command| {
                command_entry(
                    begin(Action::CopilotCommandReceived),
                    note,
                    command,
                    reported,
                    arguments,
                )
            };
            commands.iter().map(entry).collect()
        }
    }
}

/// A push has no time, and this function no memory: reported again, it is another entry with the same `delivery_id`. Of a stale
/// delivery only ids are trusted.
fn push_entry(entry: Entry, push: &PushEvent, reported: Reported<'_>) -> Entry {
    let entry = entry
        .detail("before", push.before.as_deref())
        .detail("after", push.after.as_deref())
        .detail("pusher_id", push.pusher.as_ref().map(|pusher| pusher.id.0));
    if reported.authentication.stale {
        return entry;
    }
    entry
        .detail("ref", push.git_ref.as_deref())
        .detail("commits", push.commits)
        .detail("created", push.is_created.then_some(true))
        .detail("deleted", push.is_deleted.then_some(true))
        .detail("default_branch", push.default_branch.as_deref())
        .detail("pusher", push.pusher.as_ref().map(|pusher| pusher.username.as_str()))
}

/// The same command of the same comment is the same entry, whether it was redelivered or its arguments were edited.
fn command_entry(
    entry: Entry,
    note: &NoteEvent,
    command: &NoteCommand,
    reported: Reported<'_>,
    arguments: CommandArguments,
) -> Entry {
    let instance = reported.authentication.instance.as_str();
    let key = format!(
        "command/{instance}/{}/{}/{}",
        note.note_id, command.verb, command.ordinal
    );
    let entry = entry
        .keyed(command_time(note, reported.received_at), key)
        .correlated(command_correlation(instance, note.note_id))
        .detail("command", command.verb.as_str())
        .detail("note_id", note.note_id)
        .detail("initiator_id", note.actor.as_ref().map(|actor| actor.id.0));
    if reported.authentication.stale {
        return entry;
    }
    let shows_text = arguments == CommandArguments::Text && !note.is_confidential;
    entry
        .detail("prefix", command.prefix.as_str())
        .detail("arguments_sha256", sha256_hex(command.arguments.as_bytes()))
        .detail("arguments", shows_text.then(|| shown_arguments(&command.arguments)))
        .detail("initiator", note.actor.as_ref().map(|actor| actor.username.as_str()))
        .detail("edited", note.is_edited)
        .detail("confidential", note.is_confidential)
}

/// Redacted first: a secret that is cut in half might not be recognized.
fn shown_arguments(arguments: &str) -> String {
    let redacted = Text::new(arguments);
    redacted.as_str().chars().take(ARGUMENTS_CHARS).collect()
}

/// A clock that differs a little from GitLab's must not give the first delivery another time than a later one.
fn command_time(note: &NoteEvent, received_at: Timestamp) -> Timestamp {
    let is_recent = |at: &Timestamp| (-MAX_AHEAD..=OLDEST_NOTE).contains(&received_at.duration_since(*at));
    let known = note
        .created_at
        .filter(is_recent)
        .or_else(|| note.updated_at.filter(is_recent));
    known.unwrap_or(received_at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit::{ActorType, Writer};
    use inbound::gitlab::{Classified, Grammar, classify, commands};
    use model::{AuthMethod, FixedClock};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::fixtures::now;

    fn note_body(text: &str) -> Value {
        json!({
            "object_kind": "note", "user": {"id": 88, "username": "lea"}, "project": {"id": 1201, "path_with_namespace": "platform/vault"},
            "object_attributes": {
                "id": 5001, "note": text, "noteable_type": "MergeRequest", "action": "create",
                "created_at": "2026-03-01 11:00:00 UTC", "updated_at": "2026-03-01 11:00:00 UTC",
            },
            "merge_request": {"iid": 12},
        })
    }

    fn push_body() -> Value {
        json!({
            "object_kind": "push", "before": "0".repeat(40), "after": "9d3c1e77", "ref": "refs/heads/main", "total_commits_count": 2,
            "user_id": 88, "user_username": "lea", "project": {"id": 1201, "path_with_namespace": "platform/vault", "default_branch": "main"},
        })
    }

    /// The lines of one delivery.
    fn lines(body: &Value, delivery: &str, stale: bool, arguments: CommandArguments) -> Vec<Value> {
        let event = match classify(body.to_string().as_bytes(), now()) {
            Classified::Push(push) => RecordedEvent::Push(push),
            Classified::Note(note) => {
                let found = commands(&note.text, &Grammar::default());
                RecordedEvent::Commands(note.clone(), note.mr_iid.unwrap(), found)
            }
            other => panic!("{other:?}"),
        };
        let authentication = Authentication {
            method: AuthMethod::HmacSha256,
            hook: "main".to_owned(),
            instance: "gitlab".to_owned(),
            stale,
        };
        let ids = DeliveryIds {
            key: Some(delivery.to_owned()),
            id: Some(delivery.to_owned()),
            event_uuid: None,
        };
        let reported = Reported {
            authentication: &authentication,
            delivery: &ids,
            received_at: now(),
        };
        let context = Context::new(ActorType::WebhookEvent, Uuid::from_u128(7));
        let (writer, lines) = Writer::memory("webhook", Arc::new(FixedClock(now())));
        for entry in derived_entries(&context, reported, &event, arguments) {
            writer.write(&entry);
        }
        lines.entries()
    }

    #[test]
    fn a_command_is_one_entry_whatever_reports_it() {
        let first = lines(&note_body("/copilot fix this"), "a", false, CommandArguments::Digest).remove(0);
        let mut edited = note_body("/copilot fix that\n/copilot fix\n/copilot explain");
        edited["object_attributes"]["action"] = "update".into();
        edited["object_attributes"]["updated_at"] = "2026-03-01 11:30:00 UTC".into();
        let again = lines(&edited, "b", false, CommandArguments::Digest);
        assert_eq!(again.len(), 3);
        assert_eq!(
            (&again[0]["id"], &again[0]["timestamp"]),
            (&first["id"], &first["timestamp"])
        );
        assert!(again[1]["id"] != first["id"] && again[2]["id"] != again[1]["id"]);
        assert_eq!(first["timestamp"], "2026-03-01T11:00:00.000Z");
        assert_eq!(first["correlation_id"], json!(command_correlation("gitlab", 5001)));
        assert_eq!(first["actor"]["id"], json!(Uuid::from_u128(7)), "the delivery");
        assert_eq!(
            (&first["details"]["edited"], &again[0]["details"]["edited"]),
            (&json!(false), &json!(true))
        );
    }

    #[test]
    fn command_entry_names_command_target_and_initiator() {
        let entry = lines(
            &note_body("/copilot Fix `rm -rf`"),
            "a",
            false,
            CommandArguments::Digest,
        )
        .remove(0);
        let target = json!({"resource_type": "merge_request", "instance": "gitlab", "project_id": 1201, "mr_iid": 12});
        assert_eq!(
            (&entry["action"], &entry["target"]),
            (&json!("copilot.command.received"), &target)
        );
        let expected = json!({
            "delivery_id": "a", "command": "fix", "prefix": "/copilot", "arguments_sha256": sha256_hex(b"`rm -rf`"), "note_id": 5001,
            "initiator_id": 88, "initiator": "lea", "edited": false, "confidential": false,
        });
        assert_eq!(entry["details"], expected);
        let shown = lines(&note_body("/copilot fix me"), "a", false, CommandArguments::Text).remove(0);
        assert_eq!(shown["details"]["arguments"], "me");
        let secret = format!("/copilot fix {} glpat-abcdefghij1234567890", "x".repeat(180));
        let shown = lines(&note_body(&secret), "a", false, CommandArguments::Text).remove(0);
        assert!(!shown.to_string().contains("glpat-abcde"), "{shown}");
        let stale = lines(&note_body("/copilot fix me"), "a", true, CommandArguments::Text).remove(0);
        let ids = json!({"delivery_id": "a", "stale": true, "command": "fix", "note_id": 5001, "initiator_id": 88});
        assert_eq!(stale["details"], ids);
        let mut internal = note_body("/copilot fix me");
        internal["object_attributes"]["internal"] = true.into();
        let hidden = lines(&internal, "a", false, CommandArguments::Text).remove(0);
        assert_eq!(
            (&hidden["details"]["arguments"], &hidden["details"]["confidential"]),
            (&Value::Null, &json!(true))
        );
    }

    #[test]
    fn command_in_old_comment_has_its_edit_time() {
        let mut old = note_body("/copilot fix");
        old["object_attributes"]["created_at"] = "2025-03-01 11:00:00 UTC".into();
        let entry = lines(&old, "a", false, CommandArguments::Digest).remove(0);
        assert_eq!(entry["timestamp"], "2026-03-01T11:00:00.000Z");
        let mut ahead = note_body("/copilot fix");
        ahead["object_attributes"]["created_at"] = json!(format!("{}", now() + SignedDuration::from_secs(90)));
        let entry = lines(&ahead, "a", false, CommandArguments::Digest).remove(0);
        assert_eq!(
            entry["timestamp"],
            json!(format!("{:.3}", now() + SignedDuration::from_secs(90))),
            "another clock"
        );
        old["object_attributes"]["updated_at"] = Value::Null;
        let entry = lines(&old, "a", false, CommandArguments::Digest).remove(0);
        assert_eq!(entry["timestamp"], json!(format!("{:.3}", now())));
    }

    #[test]
    fn a_push_shows_ref_commits_and_pusher() {
        let entry = lines(&push_body(), "a", false, CommandArguments::Digest).remove(0);
        assert_eq!(
            entry["target"],
            json!({"resource_type": "project", "instance": "gitlab", "project_id": 1201})
        );
        let expected = json!({
            "delivery_id": "a", "after": "9d3c1e77", "pusher_id": 88, "ref": "refs/heads/main", "commits": 2, "created": true,
            "default_branch": "main", "pusher": "lea",
        });
        assert_eq!(entry["details"], expected);
        let stale = lines(&push_body(), "a", true, CommandArguments::Digest).remove(0);
        let expected = json!({"delivery_id": "a", "stale": true, "after": "9d3c1e77", "pusher_id": 88});
        assert_eq!(stale["details"], expected, "only ids are trusted");
    }
}
