//! What a filter passes, computed from the printed entries: without SQL, indexes or ranges.

use audit::line_schema::ParsedEntry;
use serde_json::Value;
use store::{AuditActor, AuditFilter, AuditOrder, AuditOutcome, AuditTarget};
use uuid::Uuid;

/// The ids of all matching entries, in an order; `entries` are sorted by id.
pub(super) fn passing(entries: &[ParsedEntry], filter: &AuditFilter, order: AuditOrder) -> Vec<Uuid> {
    let passing = entries
        .iter()
        .filter(|entry| passes(filter, entry))
        .map(|entry| entry.id);
    match order {
        AuditOrder::OldestFirst => passing.collect(),
        AuditOrder::NewestFirst => passing.rev().collect(),
    }
}

fn passes(filter: &AuditFilter, entry: &ParsedEntry) -> bool {
    let actor = filter.actor.is_none_or(|actor| match actor {
        AuditActor::Type(kind) => entry.actor_type == kind,
        AuditActor::Id(id) => entry.actor_id == id,
    });
    let outcome = filter.outcome.is_none_or(|outcome| match outcome {
        AuditOutcome::Success => entry.success,
        AuditOutcome::Failure => !entry.success,
        AuditOutcome::Class(class) => entry.error == Some(class),
    });
    actor
        && outcome
        && filter
            .action
            .as_ref()
            .is_none_or(|prefix| entry.action.starts_with(prefix))
        && filter.target.as_ref().is_none_or(|target| is_target(target, entry))
        && filter.since.is_none_or(|since| entry.timestamp >= since)
        && filter.until.is_none_or(|until| entry.timestamp < until)
        && filter.correlation_id.is_none_or(|id| entry.correlation_id == id)
        && filter
            .trace_id
            .as_ref()
            .is_none_or(|id| entry.trace_id.as_ref() == Some(id))
        && filter.service.as_ref().is_none_or(|service| entry.service == *service)
        && filter.entry_id.is_none_or(|id| {
            entry.id == id || entry.details.get("producer_entry_id") == Some(&Value::from(id.to_string()))
        })
}

fn is_target(target: &AuditTarget, entry: &ParsedEntry) -> bool {
    match target {
        AuditTarget::Prefix(prefix) => entry.target_key.starts_with(prefix),
        AuditTarget::MergeRequest {
            instance,
            project_id,
            mr_iid,
        } => {
            let field = |name: &str| entry.target.get(name);
            field("resource_type").and_then(Value::as_str) == Some("merge_request")
                && field("project_id").and_then(Value::as_i64) == Some(*project_id)
                && mr_iid.is_none_or(|iid| field("mr_iid").and_then(Value::as_i64) == Some(iid))
                && instance
                    .as_deref()
                    .is_none_or(|name| field("instance").and_then(Value::as_str) == Some(name))
        }
    }
}
