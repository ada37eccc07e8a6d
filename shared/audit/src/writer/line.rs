//! The line format of entries and announcements.

use jiff::Timestamp;
use model::AuditLine;
use serde::Serialize;
use uuid::Uuid;

use super::Shared;
use crate::entry::{AnnouncedCall, Details, Entry, EntryId, Outcome};
use crate::identifier::entry_id;
use crate::{Action, ActorType, Context, FailureClass, Target};

/// The line, with fields in reading order.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    event_type: &'static str,
    action: Action,
    actor: Actor,
    target: &'a Target,
    outcome: &'static str,
    error: Option<FailureClass>,
    correlation_id: Uuid,
    service: &'a str,
    id: Uuid,
    stream: Stream,
    duration_ms: Option<f64>,
    details: &'a Details,
    trace_id: Option<&'a str>,
}

/// The announcement of a call. It is not an entry and not numbered: it only matters if the entry with the same id is missing.
#[derive(Serialize)]
struct IntentLine<'a> {
    timestamp: &'a str,
    event_type: &'static str,
    call: Action,
    actor: Actor,
    target: &'a Target,
    correlation_id: Uuid,
    service: &'a str,
    id: Uuid,
    stream_id: Uuid,
    trace_id: Option<&'a str>,
}

/// `actor` on the line.
#[derive(Serialize)]
struct Actor {
    #[serde(rename = "type")]
    actor_type: ActorType,
    id: Uuid,
}

/// `stream` on the line.
#[derive(Serialize)]
struct Stream {
    id: Uuid,
    seq: u64,
}

impl Actor {
    fn from_context(context: &Context) -> Self {
        Self {
            actor_type: context.actor,
            id: context.correlation_id,
        }
    }
}

/// Appends an entry's line, without its line break.
pub(super) fn write_entry(
    shared: &Shared,
    entry: &Entry,
    line: AuditLine,
    buffer: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let (at, id) = match &entry.identity {
        EntryId::Keyed(at, key) => (*at, entry_id(*at, key)),
        EntryId::Announced(announced) => (announced.at, announced.id),
        EntryId::Line => {
            let now = shared.clock.now();
            (now, entry_id(now, &format!("{}/{}", line.stream_id, line.seq)))
        }
    };
    let (outcome, error) = match entry.outcome {
        Outcome::Success => ("success", None),
        Outcome::Failure(class) => ("failure", Some(class)),
    };
    let line = Line {
        timestamp: &milliseconds(at),
        event_type: crate::ENTRY,
        action: entry.action,
        actor: Actor::from_context(&entry.context),
        target: &entry.target,
        outcome,
        error,
        correlation_id: entry.correlation_id.unwrap_or(entry.context.correlation_id),
        service: shared.service,
        id,
        stream: Stream {
            id: line.stream_id,
            seq: line.seq,
        },
        duration_ms: entry.duration_ms,
        details: &entry.details,
        trace_id: entry.context.trace_id(),
    };
    serde_json::to_writer(buffer, &line)
}

/// ISO 8601 in UTC with exactly three decimals: `2026-01-31T18:29:18.123Z`.
fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Appends an announcement's line, without its line break.
pub(super) fn write_announcement(
    shared: &Shared,
    announced: AnnouncedCall,
    action: Action,
    context: &Context,
    target: &Target,
    buffer: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let line = IntentLine {
        timestamp: &milliseconds(announced.at),
        event_type: crate::INTENT,
        call: action,
        actor: Actor::from_context(context),
        target,
        correlation_id: context.correlation_id,
        service: shared.service,
        id: announced.id,
        stream_id: shared.stream_id,
        trace_id: context.trace_id(),
    };
    serde_json::to_writer(buffer, &line)
}
