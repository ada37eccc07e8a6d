//! Records what GitLab's audit event stream reports. It is a claim of GitLab: it causes reads and alarms, and is never proof.

use audit::{Action, Context, Entry, Outcome, Target};
use jiff::{SignedDuration, Timestamp};
use model::{Envelope, GitLabAuditEvent, ProjectId, codes};
use rules::ApproverGroup;

use crate::{App, AppError, DeliveryOutcome, DeliveryReport};

/// The entry of an older event has the time of its receipt: months of the audit log that old can be closed.
const OLDEST: SignedDuration = SignedDuration::from_hours(30 * 24);

codes! {
    /// Why an event needs attention.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum GitLabAuditAlarm {
        /// A webhook was deleted: deliveries may stop.
        WebhookDestroyed = "webhook_destroyed",
        /// The approver group was shared with another group, or a share of it was changed.
        ApproverGroupShared = "approver_group_shared",
        /// A streaming destination was deleted: these events may stop.
        StreamDestroyed = "stream_destroyed",
    }
}

/// Stores the events, reports them to the audit log, and follows those that concern us. Safe to repeat.
pub(crate) async fn record_gitlab_audit(
    app: &App,
    context: &Context,
    envelope: &Envelope,
    events: &[GitLabAuditEvent],
) -> Result<DeliveryReport, AppError> {
    // 1. The rows.
    let mut tx = app.store.begin().await?;
    let first_received = tx.record_gitlab_audit_events(envelope, events).await?;
    app.claim_lines(&mut tx, Some(envelope.audit_line))?;
    // 2. Their entries, announced before the commit. An event that arrives again is the same entry.
    let instance = envelope.authentication.instance.as_str();
    let received = |event: &GitLabAuditEvent| first_received.get(&event.event_key).copied();
    let entries: Vec<Entry> = events
        .iter()
        .map(|event| {
            event_entry(
                context,
                instance,
                event,
                received(event).unwrap_or(envelope.received_at),
            )
        })
        .collect();
    for entry in &entries {
        app.audit.announce_entry(entry);
    }
    tx.commit().await?;
    for entry in &entries {
        app.audit.write(entry);
    }
    // 3. What follows from them.
    let group = app
        .rules
        .approvers(instance)
        .and_then(|approvers| approvers.group.as_ref());
    let is_member_change = |event: &GitLabAuditEvent| {
        let event_type = event.event_type.as_deref().unwrap_or_default();
        event_type.starts_with("member_") && group.is_some_and(|group| is_about_group(event, group))
    };
    if events.iter().any(is_member_change) {
        app.forget_members(instance).await;
    }
    let mut alarms = Vec::new();
    for event in events {
        if let Some(alarm) = alarm_of(event, group) {
            let (reason, entity) = (alarm.as_str(), event.entity.name.as_deref());
            tracing::error!(
                instance,
                reason,
                entity,
                event_key = event.event_key,
                "GitLab reports a change that weakens the record"
            );
            alarms.push(alarm);
        }
    }
    Ok(DeliveryReport::of(DeliveryOutcome::GitlabAudit { alarms }))
}

/// The alarm that an event raises. GitLab does not say which webhook was deleted, so each of them counts.
fn alarm_of(event: &GitLabAuditEvent, group: Option<&ApproverGroup>) -> Option<GitLabAuditAlarm> {
    match event.event_type.as_deref()? {
        "webhook_destroyed" => Some(GitLabAuditAlarm::WebhookDestroyed),
        "destroy_event_streaming_destination" | "deleted_group_audit_event_streaming_destination" => {
            Some(GitLabAuditAlarm::StreamDestroyed)
        }
        shared if shared.starts_with("group_share_with_group_link_") => group
            .is_some_and(|group| is_about_group(event, group))
            .then_some(GitLabAuditAlarm::ApproverGroupShared),
        _ => None,
    }
}

fn is_about_group(event: &GitLabAuditEvent, group: &ApproverGroup) -> bool {
    let is_group = event.entity.object_type.as_deref() == Some("Group");
    is_group && event.entity.id.as_deref() == Some(group.id.to_string().as_str())
}

fn event_entry(context: &Context, instance: &str, event: &GitLabAuditEvent, first_received: Timestamp) -> Entry {
    let is_recent = |at: &Timestamp| first_received.duration_since(*at) <= OLDEST && *at <= first_received;
    let at = event.created_at.filter(is_recent).unwrap_or(first_received);
    let (entity, target) = (&event.entity, &event.target);
    let detail = |name: &str| {
        event
            .details
            .get(name)
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
    };
    Entry::new(
        Action::GitlabAuditReceived,
        context,
        entity_target(instance, event),
        Outcome::Success,
    )
    .keyed(at, format!("gitlab-audit/{instance}/{}", event.event_key))
    .detail("event_type", event.event_type.as_deref())
    .detail("event_id", event.event_id.as_deref())
    .detail("event_key", event.event_key.as_str())
    .detail("author_id", event.author.id)
    .detail("author_class", event.author.class.as_deref())
    .detail("entity_path", entity.name.as_deref())
    .detail("target_type", target.object_type.as_deref())
    .detail("target_id", target.id.as_deref())
    .detail("target_details", target.name.as_deref())
    .detail("added", detail("add"))
    .detail("access", detail("as"))
    .detail("removed", detail("remove"))
    .detail("changed", detail("change"))
    .detail("changed_from", detail("from"))
    .detail("changed_to", detail("to"))
}

/// The project, or the group, user or instance by its id.
fn entity_target(instance: &str, event: &GitLabAuditEvent) -> Target {
    let id = event.entity.id.as_deref().unwrap_or_default();
    let target = match event.entity.object_type.as_deref() {
        Some("Project") => match id.parse() {
            Ok(id) => Target::project(ProjectId(id)),
            Err(_) => Target::other("project", id),
        },
        Some("Group") => Target::other("group", id),
        Some("User") => Target::other("user", id),
        _ => Target::other("gitlab_instance", id),
    };
    target.at(instance)
}

#[cfg(test)]
mod tests {
    use model::{GitLabAuditAuthor, GitLabAuditObject};

    use super::*;

    fn event_of(event_type: &str, entity: (&str, &str)) -> GitLabAuditEvent {
        GitLabAuditEvent {
            event_key: "e".repeat(64),
            event_id: None,
            event_type: Some(event_type.to_owned()),
            created_at: None,
            author: GitLabAuditAuthor::default(),
            entity: GitLabAuditObject {
                object_type: Some(entity.0.to_owned()),
                id: Some(entity.1.to_owned()),
                name: None,
            },
            target: GitLabAuditObject::default(),
            details: serde_json::Map::new(),
        }
    }

    #[test]
    fn changes_that_weaken_the_record_raise_alarms() {
        let group = ApproverGroup {
            id: 4242,
            include_inherited: false,
            minimum_access_level: 30,
        };
        let alarm = |event_type: &str, id: &str| alarm_of(&event_of(event_type, ("Group", id)), Some(&group));
        let shared = "group_share_with_group_link_created";
        assert_eq!(
            alarm("webhook_destroyed", "1"),
            Some(GitLabAuditAlarm::WebhookDestroyed)
        );
        assert_eq!(
            alarm("destroy_event_streaming_destination", "1"),
            Some(GitLabAuditAlarm::StreamDestroyed)
        );
        assert_eq!(alarm(shared, "4242"), Some(GitLabAuditAlarm::ApproverGroupShared));
        assert_eq!((alarm(shared, "1"), alarm("member_destroyed", "4242")), (None, None));
        assert_eq!(alarm_of(&event_of(shared, ("Project", "4242")), Some(&group)), None);
    }
}
