//! Commands in comments and pushes: one entry each, joined with the work of the coding service.

use serde_json::{Value, json};
use uuid::Uuid;

use super::producers::Work;
use super::stack_audit::{PATIENCE, StackAudit};
use crate::local_stack::{eventually, now};
use crate::program::countersign;

/// From the comment to the push.
const STEPS: [&str; 5] = [
    "copilot.command.received",
    "copilot.sdk.coding_request",
    "copilot.gate.approved",
    "gitlab.api.push_branch",
    "git.push.received",
];

/// A comment on a merge request; `id` is unique in these tests.
fn note_body(id: i64, text: &str, change: impl FnOnce(&mut Value)) -> Value {
    let at = format!("{:.0}", now()).replace('T', " ").replace('Z', " UTC");
    let mut body = json!({
        "object_kind": "note", "event_type": "note", "user": {"id": 88, "username": "lea"},
        "project": {"id": 7301, "path_with_namespace": "payments/gateway"},
        "object_attributes": {
            "id": id, "note": text, "noteable_type": "MergeRequest", "action": "create", "created_at": at, "updated_at": at,
        },
        "merge_request": {"iid": 811},
    });
    change(&mut body);
    body
}

fn unique_note() -> i64 {
    i64::from(Uuid::new_v4().as_fields().0) + 10_000_000_000
}

/// What the command line prints.
fn printed(audit: &StackAudit, words: &[&str]) -> String {
    let output = countersign(&audit.stack.database_url, words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn commands(audit: &StackAudit, note: i64) -> Vec<Value> {
    let condition = "action = 'copilot.command.received' AND details ->> 'note_id' = $1";
    audit.entries(condition, &note.to_string()).await
}

#[tokio::test]
async fn a_command_is_one_entry_however_often_reported() {
    let audit = StackAudit::open().await;
    let note = unique_note();
    let text = "Thanks!\n/copilot review\n\n> /copilot review\n\n```\n/copilot review\n```";
    let first = note_body(note, text, |_| ());
    let mut edited = note_body(note, "/copilot review everything\n/copilot review\n", |_| ());
    edited["object_attributes"]["created_at"] = first["object_attributes"]["created_at"].clone();
    edited["object_attributes"]["action"] = "update".into();
    let mut without_action = first.clone();
    without_action["object_attributes"]
        .as_object_mut()
        .unwrap()
        .remove("action");
    audit.stack.deliver(&first).await;
    audit.stack.deliver(&without_action).await;
    audit.stack.deliver(&edited).await;
    let found = eventually(PATIENCE, "two commands", async || {
        let found = commands(&audit, note).await;
        (found.len() == 2).then_some(found)
    })
    .await;
    assert_eq!(
        found[0]["target"],
        json!({"resource_type": "merge_request", "instance": "main", "project_id": 7301, "mr_iid": 811})
    );
    let edits: Vec<&Value> = found.iter().map(|entry| &entry["details"]["edited"]).collect();
    assert!(
        edits.contains(&&json!(false)) && edits.contains(&&json!(true)),
        "{edits:?}"
    );
}

/// GitLab resends a push with the same id.
async fn push_twice(audit: &StackAudit, commit: &str) {
    let push = json!({
        "object_kind": "push", "before": "0".repeat(40), "after": commit, "ref": "refs/heads/fix", "total_commits_count": 1,
        "user_id": 99, "user_username": "agent", "project": {"id": 7301, "path_with_namespace": "payments/gateway", "default_branch": "main"},
    });
    let delivery = Uuid::now_v7().to_string();
    for _ in 0..2 {
        let signed = audit
            .stack
            .signed_as(&push, &delivery, now().as_second(), &audit.stack.signing_token);
        assert_eq!(audit.stack.send(&signed).await.status, 202);
    }
}

#[tokio::test]
async fn trace_shows_comment_call_and_push() {
    let audit = StackAudit::open().await;
    // 1. The command. Its correlation id needs no contact with Countersign.
    let note = unique_note();
    audit.stack.deliver(&note_body(note, "/copilot fix", |_| ())).await;
    let work = Work::new(audit::command_correlation("main", note));
    // 2. What the service does.
    let commit = Uuid::new_v4().simple().to_string();
    let entries = json!([
        work.entry("coding", |_| ()),
        work.entry("gate", |value| value["action"] = "copilot.gate.approved".into()),
        work.entry("push", |value| {
            value["action"] = "gitlab.api.push_branch".into();
            value["details"] = json!({"after": commit, "ref": "refs/heads/fix"});
        }),
    ]);
    let reply = audit
        .stack
        .send_entries(&audit.stack.producer_key, entries.to_string().as_bytes())
        .await;
    assert_eq!(reply.status, 202);
    // 3. The push, reported twice.
    push_twice(&audit, &commit).await;
    // 4. One story.
    eventually(PATIENCE, "the entries", async || {
        let own = audit
            .entries("correlation_id::text = $1", &work.correlation_id.to_string())
            .await;
        let pushes = audit
            .entries("action = 'git.push.received' AND details ->> 'after' = $1", &commit)
            .await;
        (own.len() == 4 && pushes.len() == 2).then_some(())
    })
    .await;
    let story = printed(&audit, &["trace", &note.to_string()]);
    for step in STEPS {
        assert!(story.contains(step), "{step} in {story}");
    }
    assert_eq!(story.matches("git.push.received").count(), 1, "{story}");
    let words = [
        "audit",
        "--service",
        "gitlab-copilot-agent",
        "--action",
        "copilot.gate",
        "--limit",
        "1000",
    ];
    let listed = printed(&audit, &words);
    assert!(
        listed.contains("copilot.gate.approved") && !listed.contains("copilot.sdk"),
        "{listed}"
    );
}
