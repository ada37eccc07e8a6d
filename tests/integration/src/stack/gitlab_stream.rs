//! GitLab's audit event streams: each event once by its content, whatever the attempt, the shape and the neighbours.

use serde_json::{Value, json};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::stack_audit::{PATIENCE, StackAudit};
use crate::local_stack::{Reply, eventually, now};

/// An event of a project that only this test uses.
struct Events {
    project: i64,
    at: String,
}

impl Events {
    fn new() -> Self {
        Self {
            project: i64::from(Uuid::new_v4().as_fields().0) + 10_000_000_000,
            at: format!("{:.3}", now()),
        }
    }

    fn event(&self, id: impl Into<Value>, event_type: &str, author: i64) -> Value {
        json!({
            "id": id.into(), "author_id": author, "author_name": "Ana Example", "entity_id": self.project, "entity_type": "Project",
            "entity_path": "acme/vault", "target_id": 51, "target_type": "User", "target_details": "Sam Example",
            "created_at": self.at, "event_type": event_type, "details": {"remove": "user_access", "author_class": "User"},
        })
    }

    /// How many events are stored, once there are as many as expected.
    async fn stored(&self, audit: &StackAudit, count: i64) -> i64 {
        let sql = "SELECT count(DISTINCT event_key), count(*) FROM gitlab_audit_events WHERE entity ->> 'id' = $1";
        eventually(PATIENCE, "the events", async || {
            let row = audit
                .auditor
                .query_typed_one(sql, &[(&self.project.to_string(), Type::TEXT)])
                .await
                .unwrap();
            (row.get::<_, i64>(0) >= count).then(|| row.get(1))
        })
        .await
    }

    /// Their entries in the audit log.
    async fn entries(&self, audit: &StackAudit, count: usize) -> Vec<Value> {
        let target = format!("project:main/{}", self.project);
        eventually(PATIENCE, "the entries", async || {
            let entries = audit
                .entries("action = 'gitlab.audit.received' AND target_key = $1", &target)
                .await;
            (entries.len() >= count).then_some(entries)
        })
        .await
    }
}

async fn sent(audit: &StackAudit, body: &Value) -> Reply {
    audit
        .stack
        .send_stream(&audit.stack.gitlab_stream_token, body.to_string().as_bytes())
        .await
}

#[tokio::test]
async fn an_event_is_stored_once_by_its_content() {
    let audit = StackAudit::open().await;
    let events = Events::new();
    let seconds = now().as_second();
    let same_second = [
        events.event(seconds, "member_destroyed", 1),
        events.event(seconds, "member_destroyed", 2),
    ];
    let attempt = |number: u128| events.event(Uuid::from_u128(number).to_string(), "member_created", 3);
    for body in [
        &same_second[0],
        &same_second[1],
        &attempt(1),
        &attempt(2),
        &same_second[0],
    ] {
        let reply = sent(&audit, body).await;
        assert_eq!((reply.status, &reply.json()["status"]), (202, &json!("accepted")));
    }
    assert_eq!(events.stored(&audit, 3).await, 3);
    let entries = events.entries(&audit, 3).await;
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["details"]["removed"], "user_access");
}

#[tokio::test]
async fn broken_element_and_other_shapes_affect_no_other() {
    let audit = StackAudit::open().await;
    let events = Events::new();
    let mut loose = events.event(Value::Null, "unused", -3);
    loose.as_object_mut().unwrap().remove("event_type");
    loose["target_id"] = "acme/vault".into();
    loose["details"] = json!({"custom_message": {"action": "git-upload-pack", "token": "glpat-abcdefghij1234567890"}});
    let batch = json!([
        events.event(7, "member_created", 1),
        "oops",
        loose,
        5,
        events.event(8, "type_of_tomorrow", 1)
    ]);
    let reply = sent(&audit, &batch).await;
    assert_eq!(reply.status, 202);
    assert_eq!(events.stored(&audit, 3).await, 3);
    let id = reply.json()["correlation_id"].as_str().unwrap().to_owned();
    let mut entries = audit.trace(&id, &["webhook.auth.verify"]).await;
    entries.retain(|entry| entry["action"] == "webhook.auth.verify");
    let entry = &entries[0];
    assert_eq!(
        (&entry["details"]["events"], &entry["details"]["broken_events"]),
        (&json!(3), &json!(2))
    );
    let secret = "SELECT count(*) FROM gitlab_audit_events WHERE details::text LIKE '%glpat-abc%'";
    assert_eq!(audit.number(secret).await, 0);
    for (body, status, reason) in [
        ("[]", 200, "empty"),
        ("payload=%7B%7D", 200, "unparseable"),
        ("", 200, "unparseable"),
    ] {
        let reply = audit
            .stack
            .send_stream(&audit.stack.gitlab_stream_token, body.as_bytes())
            .await;
        assert_eq!(
            (reply.status, &reply.json()["reason"]),
            (status, &json!(reason)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn guessed_token_and_huge_batch_are_refused() {
    let audit = StackAudit::open().await;
    let reply = audit.stack.send_stream("a-guessed-token-of-24", b"{}").await;
    assert_eq!((reply.status, &reply.json()["reason"]), (401, &json!("not_authentic")));
    let huge = format!("[{}]", " ".repeat(4 * 1024 * 1024));
    let reply = audit
        .stack
        .send_stream(&audit.stack.gitlab_stream_token, huge.as_bytes())
        .await;
    assert_eq!((reply.status, &reply.json()["reason"]), (413, &json!("too_large")));
}
