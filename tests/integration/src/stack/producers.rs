//! Entries of other services: what is accepted, stored once, and cannot hide anything.

mod clients;
mod identities;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::stack_audit::{PATIENCE, StackAudit};
use crate::local_stack::{Reply, eventually, now};

/// Every action of other services that the first users of the audit log asked for.
const ACTIONS: [&str; 20] = [
    "gitlab.api.get_mr_details",
    "gitlab.api.get_mr_diff",
    "gitlab.api.post_mr_note",
    "gitlab.api.post_commit_discussion",
    "gitlab.api.get_project_info",
    "gitlab.api.clone_repo",
    "gitlab.api.push_branch",
    "jira.api.get_issue",
    "jira.api.transition_issue",
    "jira.api.add_comment",
    "jira.api.search_issues",
    "copilot.sdk.review_request",
    "copilot.sdk.coding_request",
    "copilot.sdk.response_received",
    "copilot.task.started",
    "copilot.patch.generated",
    "copilot.patch.validated",
    "copilot.git.push",
    "copilot.gate.approved",
    "copilot.gate.rejected",
];

/// One piece of work of the coding service.
pub(super) struct Work {
    pub(super) correlation_id: Uuid,
    at: Timestamp,
}

impl Work {
    pub(super) fn new(correlation_id: Uuid) -> Self {
        Self {
            correlation_id,
            at: now().round(jiff::Unit::Millisecond).unwrap() - SignedDuration::from_secs(2),
        }
    }

    /// An entry; `name` distinguishes it.
    pub(super) fn entry(&self, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut entry = json!({
            "timestamp": format!("{:.3}", self.at), "event_type": "audit", "action": "copilot.sdk.coding_request",
            "actor": {"type": "webhook_event", "id": self.correlation_id},
            "target": {"resource_type": "merge_request", "instance": "main", "project_id": 7301, "mr_iid": 811},
            "outcome": "success", "correlation_id": self.correlation_id, "service": "gitlab-copilot-agent",
            "id": audit::entry_id(self.at, &format!("{}/{name}", self.correlation_id)),
        });
        change(&mut entry);
        entry
    }
}

async fn sent(audit: &StackAudit, entries: &[Value]) -> Reply {
    let body = json!(entries).to_string();
    audit
        .stack
        .send_entries(&audit.stack.producer_key, body.as_bytes())
        .await
}

/// Waits until the work has this many entries; returns them.
async fn stored(audit: &StackAudit, work: &Work, count: usize) -> Vec<Value> {
    let id = work.correlation_id.to_string();
    eventually(PATIENCE, "the entries", async || {
        let entries = audit.entries("correlation_id::text = $1", &id).await;
        (entries.len() >= count).then_some(entries)
    })
    .await
}

/// The entry that audits a request.
async fn verified(audit: &StackAudit, reply: &Reply) -> Value {
    let id = reply.json()["correlation_id"].as_str().unwrap().to_owned();
    let mut entries = audit.trace(&id, &["audit.producer.verify"]).await;
    entries.retain(|entry| entry["action"] == "audit.producer.verify");
    entries.remove(0)
}

#[tokio::test]
async fn good_entries_are_stored_once_others_named() {
    let audit = StackAudit::open().await;
    let work = Work::new(Uuid::now_v7());
    let plain = |name: &str| work.entry(name, |_| ());
    let misspelt = work.entry("4", |value| value["autcome"] = "success".into());
    let foreign = work.entry("5", |value| value["service"] = "processor".into());
    let body = [plain("1"), plain("2"), plain("3"), misspelt.clone(), foreign.clone()];
    let replies = futures::future::join_all((0..5).map(|_| sent(&audit, &body))).await;
    for reply in &replies {
        let answer = reply.json();
        assert_eq!(
            (reply.status, &answer["status"], &answer["accepted"]),
            (202, &json!("accepted"), &json!(3))
        );
        let rejected = json!([
            {"index": 3, "id": misspelt["id"], "reason": "unknown_field"},
            {"index": 4, "id": foreign["id"], "reason": "service_not_yours"},
        ]);
        assert_eq!(answer["rejected"], rejected);
    }
    stored(&audit, &work, 3).await;
    for reply in &replies {
        let entry = verified(&audit, reply).await;
        let details = &entry["details"];
        assert_eq!(
            (&details["producer"], &details["accepted"], &details["rejected"]),
            (&json!("agent"), &json!(3), &json!(2))
        );
    }
    assert_eq!(stored(&audit, &work, 3).await.len(), 3, "each once");
    let sources = audit
        .entries(
            "source = 'producer/agent' AND correlation_id::text = $1",
            &work.correlation_id.to_string(),
        )
        .await;
    assert_eq!(sources.len(), 3);
}

#[tokio::test]
async fn every_wanted_action_is_stored_ordered_and_forwarded() {
    let audit = StackAudit::open().await;
    let _siem = super::stack_audit::SIEM.read().await;
    let work = Work::new(Uuid::now_v7());
    let entries: Vec<Value> = ACTIONS
        .iter()
        .map(|action| work.entry(action, |value| value["action"] = (*action).into()))
        .collect();
    let after = audit.last_position().await;
    assert_eq!(sent(&audit, &entries).await.json()["accepted"], ACTIONS.len());
    let found = stored(&audit, &work, ACTIONS.len()).await;
    let actions: BTreeSet<&str> = found.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions, BTreeSet::from(ACTIONS));
    let position = audit.position(&work.correlation_id.to_string()).await;
    assert!(position > after);
    audit.forwarded(position).await;
    let id = work.correlation_id.to_string();
    let of_work = |lines: Vec<Value>| {
        lines
            .into_iter()
            .filter(|line| line["correlation_id"] == id.as_str())
            .count()
    };
    assert_eq!(
        (of_work(audit.in_file()), of_work(audit.at_siem().await)),
        (ACTIONS.len(), ACTIONS.len())
    );
    // Printed, so that CloudWatch and Athena have them too.
    let printed = audit
        .stack
        .log_lines(&audit.stack.log_groups.recorder, work.at, &id)
        .await;
    assert_eq!(printed.len(), ACTIONS.len());
}

#[tokio::test]
async fn unfit_requests_are_refused_and_audited() {
    let audit = StackAudit::open().await;
    let work = Work::new(Uuid::now_v7());
    let one = json!([work.entry("1", |_| ())]).to_string();
    let many = json!(
        (0..501)
            .map(|number| work.entry(&number.to_string(), |_| ()))
            .collect::<Vec<_>>()
    )
    .to_string();
    let large = format!("[{}]", " ".repeat(1024 * 1024));
    let registering = json!([work.entry("2", |value| value["action"] = "verify.completed".into())]).to_string();
    let key = audit.stack.producer_key.as_str();
    let cases = [
        (
            "a-guessed-key-of-32-characters-00",
            one.as_str(),
            401,
            "not_authentic",
            "bad_token",
        ),
        (key, &many, 413, "too_many_entries", "too_many_entries"),
        (key, &large, 413, "too_large", "too_large"),
        (key, &registering, 422, "no_valid_entry", ""),
        (key, "[]", 422, "no_valid_entry", ""),
        (key, "{", 422, "no_valid_entry", ""),
    ];
    for (key, body, status, reason, audited) in cases {
        let reply = audit.stack.send_entries(key, body.as_bytes()).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (status, &json!(reason)));
        let entry = verified(&audit, &reply).await;
        assert_eq!(
            entry["details"]["reason"].as_str().unwrap_or_default(),
            audited,
            "{entry}"
        );
        assert_eq!(entry["outcome"], if audited.is_empty() { "success" } else { "failure" });
        if status == 401 {
            let mut answer = reply.json();
            answer["correlation_id"] = Value::Null;
            assert_eq!(
                answer,
                json!({"status": "rejected", "reason": "not_authentic", "correlation_id": null})
            );
        }
    }
    let reply = audit.stack.send_entries(key, registering.as_bytes()).await;
    assert_eq!(reply.json()["rejected"][0]["reason"], "action_reserved");
}

#[tokio::test]
async fn database_outage_delays_entries_and_loses_none() {
    let audit = StackAudit::alone().await;
    let mut owner = doubles::postgres::connect(&audit.stack.database_owner_url).await;
    let away = owner.transaction().await.unwrap();
    away.batch_execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let work = Work::new(Uuid::now_v7());
    let entries: Vec<Value> = (0..40).map(|number| work.entry(&number.to_string(), |_| ())).collect();
    // In any order, partly twice.
    for part in [&entries[20..], &entries[..25], &entries[10..30]] {
        assert_eq!(sent(&audit, part).await.status, 202);
    }
    away.rollback().await.unwrap();
    let found = stored(&audit, &work, 40).await;
    let ids = |lines: &[Value], name: &str| -> BTreeSet<String> {
        lines
            .iter()
            .map(|line| line.pointer(name).unwrap().to_string())
            .collect()
    };
    assert_eq!(ids(&found, "/details/producer_entry_id"), ids(&entries, "/id"));
    // The control: a missing one would be seen.
    assert_ne!(ids(&found[1..], "/details/producer_entry_id"), ids(&entries, "/id"));
}

#[tokio::test]
async fn rejected_requests_leave_the_webhook_responsive() {
    let audit = StackAudit::open().await;
    let flood = async {
        for _ in 0..40 {
            let requests = (0..25).map(|_| audit.stack.send_entries("a-guessed-key-of-32-characters-00", b"[]"));
            for reply in futures::future::join_all(requests).await {
                // 503: the function's concurrency is used up.
                assert!([401, 429, 503].contains(&reply.status), "{reply:?}");
            }
        }
    };
    let deliveries = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let body = json!({"object_kind": "pipeline", "project": {"id": 7301}});
            let began = Instant::now();
            assert_eq!(audit.stack.send(&audit.stack.signed(&body)).await.status, 200);
            slowest = slowest.max(began.elapsed());
            tokio::task::yield_now().await;
        }
        slowest
    };
    let ((), slowest) = futures::future::join(flood, deliveries).await;
    assert!(
        slowest < Duration::from_secs(9),
        "{slowest:?}: longer than GitLab waits"
    );
}
