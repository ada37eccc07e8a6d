//! What the business tables, the announcements and the gaps contain for one correlation id.

use jiff::Timestamp;
use model::AuditLine;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::open::{GAP_COLUMNS, INTENT_COLUMNS, OpenCall, RecordedGap, read_gap, read_intent};
use crate::sql::column;
use crate::{Store, StoreError};

/// Everything except the entries that belongs to a correlation id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AuditStory {
    /// Rows of the business tables, by time.
    pub rows: Vec<StoryRow>,
    /// Announced calls without an entry.
    pub calls: Vec<OpenCall>,
    /// Gaps that may hold lines of this correlation id.
    pub gaps: Vec<RecordedGap>,
}

/// The kind of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoryKind {
    /// An event of a merge request was recorded.
    Event,
    /// A delivery that could not be processed was quarantined.
    Quarantined,
    /// A verdict waits for GitLab, or waited.
    Evaluation,
    /// A decision was made.
    Decision,
    /// An exception was recorded.
    Exception,
    /// An effect was queued.
    Effect,
    /// An attempt at an effect.
    Attempt,
}

/// One row of the business tables.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryRow {
    /// Which table, in a word.
    pub kind: StoryKind,
    /// When it was written; for an event: when the delivery was received.
    pub at: Timestamp,
    /// The action of an event, the outcome of a decision, the kind of an exception or effect, the reason of the others.
    pub what: String,
    /// The merge request, and an effect's destination.
    pub target: String,
    /// Its state. Of an attempt: its outcome; `None`: its end was never recorded.
    pub state: Option<String>,
    /// A detail: the actor, the proof, the error.
    pub note: Option<String>,
    /// How long an attempt took, in milliseconds.
    pub took_ms: Option<f64>,
    /// Work is left for us or for a person.
    pub is_open: bool,
    /// The line that authenticated the delivery.
    pub line: Option<AuditLine>,
}

/// The lines of one execution environment that belong to a correlation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoryLines {
    pub stream_id: Uuid,
    pub first_seq: u64,
    pub last_seq: u64,
}

const ROWS: &str = "
    WITH wanted AS (SELECT unnest($1::uuid[]) AS wanted_id),
    story_effects AS (
        SELECT id, kind, destination, state, created_at, last_error_class, last_error, external_id,
            'merge_request:' || instance || '/' || project_id || '!' || mr_iid AS target
        FROM effects
        WHERE correlation_id IN (SELECT wanted_id FROM wanted)
            OR exception_id IN (SELECT id FROM security_review_exceptions WHERE correlation_id IN (SELECT wanted_id FROM wanted)))
    SELECT 'event' AS kind, received_at AS at, action AS what,
        'merge_request:' || instance || '/' || project_id || '!' || mr_iid AS target, NULL::text AS state, actor_username AS note,
        NULL::float8 AS took_ms, false AS is_open, audit_stream_id, audit_stream_seq, 1 AS place
    FROM merge_request_events WHERE correlation_id IN (SELECT wanted_id FROM wanted)
    UNION ALL
    SELECT 'quarantined', quarantined_at, reason, 'hook:' || hook, NULL, object_kind, NULL, true, audit_stream_id, audit_stream_seq, 2
    FROM quarantined_deliveries WHERE correlation_id IN (SELECT wanted_id FROM wanted)
    UNION ALL
    SELECT 'evaluation', created_at, reason, 'merge_request:' || instance || '/' || project_id || '!' || mr_iid, state,
        CASE WHEN state = 'pending' THEN 'next try ' || to_char(next_attempt_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END,
        NULL, state = 'pending', NULL, NULL, 3
    FROM (SELECT created_at, reason, instance, project_id, mr_iid, state, next_attempt_at, correlation_id FROM evaluations
          UNION ALL SELECT created_at, reason, instance, project_id, mr_iid, state, next_attempt_at, correlation_id FROM pending_reviews)
        AS waiting
    WHERE correlation_id IN (SELECT wanted_id FROM wanted)
    UNION ALL
    SELECT 'decision', recorded_at, coalesce(outcome, decision, 'open'),
        'merge_request:' || instance || '/' || project_id || '!' || mr_iid, NULL,
        CASE stage WHEN 'review' THEN 'before the merge' ELSE coalesce(kind, 'proof ' || proof) END, NULL, false, NULL, NULL, 4
    FROM security_review_decisions WHERE correlation_id IN (SELECT wanted_id FROM wanted)
    UNION ALL
    SELECT 'exception', recorded_at, kind, 'merge_request:' || instance || '/' || project_id || '!' || mr_iid, status, risk_tier,
        NULL, false, NULL, NULL, 5
    FROM security_review_exceptions WHERE correlation_id IN (SELECT wanted_id FROM wanted)
    UNION ALL
    SELECT 'effect', created_at, kind, destination, state, last_error_class, NULL,
        state IN ('pending', 'leased', 'ambiguous', 'dead'), NULL, NULL, 6
    FROM story_effects
    UNION ALL
    SELECT 'attempt', begun.at, 'attempt ' || begun.attempt, destination, ended.outcome, ended.error_class,
        1000 * extract(epoch FROM ended.at - begun.at)::float8, false, NULL, NULL, 7
    FROM story_effects JOIN effect_attempts AS begun ON begun.effect_id = story_effects.id AND begun.phase = 'begun'
        LEFT JOIN effect_attempts AS ended
            ON ended.effect_id = begun.effect_id AND ended.attempt = begun.attempt AND ended.phase = 'ended'
    ORDER BY at, place";

impl Store {
    /// What belongs to these correlation ids except their entries. `lines`: the streams of the entries; a gap between or next to
    /// these lines may hold further ones.
    pub async fn audit_story(&self, correlation_ids: &[Uuid], lines: &[StoryLines]) -> Result<AuditStory, StoreError> {
        let gaps = format!(
            "SELECT {GAP_COLUMNS} JOIN unnest($1::uuid[], $2::int8[], $3::int8[]) AS wanted (wanted_id, low, high) ON stream_id = wanted_id
             WHERE first_seq <= high + 1 AND last_seq >= low - 1 ORDER BY detected_at, first_seq"
        );
        let calls = format!("SELECT {INTENT_COLUMNS} AND correlation_id = ANY ($1) ORDER BY begun_at, id");
        let number = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        let streams: Vec<Uuid> = lines.iter().map(|lines| lines.stream_id).collect();
        let low: Vec<i64> = lines.iter().map(|lines| number(lines.first_seq)).collect();
        let high: Vec<i64> = lines.iter().map(|lines| number(lines.last_seq)).collect();

        let mut tx = self.begin().await?;
        let ids = (&correlation_ids as _, Type::UUID_ARRAY);
        let rows = tx.query(ROWS, std::slice::from_ref(&ids)).await?;
        let calls = tx.query(&calls, &[ids]).await?;
        let params = [
            (&streams as _, Type::UUID_ARRAY),
            (&low as _, Type::INT8_ARRAY),
            (&high as _, Type::INT8_ARRAY),
        ];
        let gaps = tx.query(&gaps, &params).await?;
        tx.commit().await?;
        Ok(AuditStory {
            rows: rows.iter().map(parse_row).collect::<Result<_, _>>()?,
            calls: calls.iter().map(read_intent).collect::<Result<_, _>>()?,
            gaps: gaps.iter().map(read_gap).collect::<Result<_, _>>()?,
        })
    }
}

fn parse_row(row: &Row) -> Result<StoryRow, StoreError> {
    let kind: String = column(row, "kind")?;
    let seq: Option<i64> = column(row, "audit_stream_seq")?;
    let stream: Option<Uuid> = column(row, "audit_stream_id")?;
    Ok(StoryRow {
        kind: match kind.as_str() {
            "event" => StoryKind::Event,
            "quarantined" => StoryKind::Quarantined,
            "evaluation" => StoryKind::Evaluation,
            "decision" => StoryKind::Decision,
            "exception" => StoryKind::Exception,
            "effect" => StoryKind::Effect,
            _ => StoryKind::Attempt,
        },
        at: column(row, "at")?,
        what: column(row, "what")?,
        target: column(row, "target")?,
        state: column(row, "state")?,
        note: column(row, "note")?,
        took_ms: column(row, "took_ms")?,
        is_open: column(row, "is_open")?,
        line: stream.zip(seq).map(|(stream_id, seq)| AuditLine {
            stream_id,
            seq: u64::try_from(seq).unwrap_or(0),
        }),
    })
}
