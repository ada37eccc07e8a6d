//! Entries of other services and commands in comments: the pure parts, and the path from the inlet to a position.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use inbound::gitlab::{Grammar, commands};
use inbound::producer::{BatchFormat, InletMessage, Producer, validate};
use jiff::{SignedDuration, Timestamp};
use model::{Clock as _, SystemClock};
use serde_json::{Value, json};
use uuid::Uuid;

use super::binaries::Binaries;
use super::process::Process;
use super::report::{Row, Section};
use super::sample::{Sample, microseconds, milliseconds};
use super::stage::{INLET_ARN, Stage};
use super::{Effort, Result, progress};

/// Entries of one request, and the length of each.
const BATCH: usize = 500;
const ENTRY_BYTES: usize = 600;
/// Goals: validation; of the search in a comment of 4 KB; entries per second from the inlet to a position.
const VALIDATION_BELOW_MS: f64 = 5.0;
const COMMANDS_BELOW_US: f64 = 20.0;
const RATE_ABOVE: f64 = 2_000.0;
const COMMENT_BYTES: usize = 4 * 1024;
const WARM_UP: usize = 5;

const NOTE: &str = "\
Validation and the search for commands run in this process, on one thread. From the inlet to a position: one environment of the
recorder, messages of 500 entries, each stored and ordered.";

pub(super) async fn measure(binaries: &Binaries, effort: &Effort) -> Result<Section> {
    progress(&format!(
        "producers: {} requests of {BATCH} entries",
        effort.log_deliveries
    ));
    let mut rows = vec![validation(effort)?, packing(effort)?, command_search(effort)?];
    rows.extend(stored(binaries, effort).await?);
    Ok(Section {
        title: "Entries of other services",
        note: NOTE.to_owned(),
        rows,
    })
}

fn producer() -> Producer {
    Producer {
        name: "agent".to_owned(),
        services: BTreeSet::from(["gitlab-copilot-agent".to_owned()]),
        registers: false,
    }
}

/// A request of [`BATCH`] entries of [`ENTRY_BYTES`] bytes each; `number` distinguishes it.
fn request_body(number: usize, now: Timestamp) -> String {
    let entry = |place: usize| {
        let at = now - SignedDuration::from_millis(i64::try_from(place).unwrap_or(0));
        let mut entry = json!({
            "timestamp": format!("{at:.3}"), "event_type": "audit", "action": "gitlab.api.get_mr_diff",
            "actor": {"type": "webhook_event", "id": Uuid::from_u128(number as u128)},
            "target": {"resource_type": "merge_request", "instance": "main", "project_id": 7301, "mr_iid": 811},
            "outcome": "success", "correlation_id": Uuid::from_u128(number as u128), "service": "gitlab-copilot-agent",
            "id": audit::entry_id(at, &format!("{number}/{place}")), "duration_ms": 12.5, "details": {"text": ""},
        });
        let missing = ENTRY_BYTES.saturating_sub(entry.to_string().len());
        entry["details"]["text"] = "x".repeat(missing).into();
        entry
    };
    Value::Array((0..BATCH).map(entry).collect()).to_string()
}

fn validation(effort: &Effort) -> Result<Row> {
    let (producer, now) = (producer(), SystemClock.now());
    let mut took = Vec::new();
    for number in 0..WARM_UP + effort.log_deliveries {
        let body = request_body(number, now);
        let begun = Instant::now();
        let batch = validate(black_box(body.as_bytes()), BatchFormat::Json, &producer, now)?;
        let lasted = begun.elapsed();
        if batch.accepted.len() != BATCH {
            return Err(format!(
                "only {} entries were accepted: {:?}",
                batch.accepted.len(),
                batch.rejected.first()
            )
            .into());
        }
        if number >= WARM_UP {
            took.push(milliseconds(lasted));
        }
    }
    let sample = Sample::new(took).ok_or("nothing was validated")?;
    Ok(Row::of("validating 500 entries of 600 bytes", "ms", &sample).below(VALIDATION_BELOW_MS))
}

fn packing(effort: &Effort) -> Result<Row> {
    let (producer, now) = (producer(), SystemClock.now());
    let mut took = Vec::new();
    for number in 0..effort.log_deliveries {
        let body = request_body(number, now);
        let batch = validate(body.as_bytes(), BatchFormat::Json, &producer, now)?;
        let lines: Vec<&str> = batch.accepted.iter().map(|entry| entry.line.as_str()).collect();
        let begun = Instant::now();
        black_box(InletMessage::messages("agent", Uuid::nil(), now, &lines));
        took.push(milliseconds(begun.elapsed()));
    }
    let sample = Sample::new(took).ok_or("nothing was packed")?;
    Ok(Row::of("packing them into messages", "ms", &sample))
}

fn command_search(effort: &Effort) -> Result<Row> {
    let paragraph = "This looks good, but the test of `parse_line` fails on an empty line:\n\n```\nassert!(parse(\"\"))\n```\n\n> quoted\n\n";
    let mut note = paragraph.repeat(COMMENT_BYTES / paragraph.len());
    note.push_str("/copilot fix the test\n");
    note.push_str(&"x".repeat(COMMENT_BYTES.saturating_sub(note.len())));
    let grammar = Grammar::default();
    let mut took = Vec::new();
    for _ in 0..effort.invocations {
        let begun = Instant::now();
        let found = commands(black_box(&note), &grammar);
        took.push(microseconds(begun.elapsed()));
        if found.len() != 1 {
            return Err(format!("{} commands were found", found.len()).into());
        }
    }
    let sample = Sample::new(took).ok_or("nothing was searched")?;
    Ok(Row::of("commands in a comment of 4 KB", "us", &sample).below(COMMANDS_BELOW_US))
}

async fn stored(binaries: &Binaries, effort: &Effort) -> Result<Vec<Row>> {
    let stage = Stage::new().await;
    let process = Process::start(&binaries.path("recorder"), &stage.variables()).await?;
    process.started().await?;
    let (producer, mut walls) = (producer(), Vec::new());
    for number in 0..WARM_UP + effort.log_deliveries {
        let now = SystemClock.now();
        let batch = validate(request_body(number, now).as_bytes(), BatchFormat::Json, &producer, now)?;
        let lines: Vec<&str> = batch.accepted.iter().map(|entry| entry.line.as_str()).collect();
        let messages = InletMessage::messages("agent", Uuid::nil(), now, &lines);
        let record = |(place, message): (usize, &InletMessage)| -> Result<Value> {
            Ok(json!({
                "messageId": format!("m-{number}-{place}"), "receiptHandle": "r", "body": serde_json::to_string(message)?,
                "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "eventSource": "aws:sqs",
                "eventSourceARN": INLET_ARN, "awsRegion": "eu-west-1",
            }))
        };
        let records = messages.iter().enumerate().map(record).collect::<Result<Vec<_>>>()?;
        let (wall, answer) = process.invoke(json!({ "Records": records })).await?;
        if answer["batchItemFailures"]
            .as_array()
            .is_none_or(|failed| !failed.is_empty())
        {
            return Err(format!("the recorder did not store the entries: {answer}").into());
        }
        if number >= WARM_UP {
            walls.push(wall);
        }
    }
    let whole: Duration = walls.iter().sum();
    let entries = f64::from(u32::try_from(effort.log_deliveries * BATCH)?);
    let sample = Sample::new(walls.into_iter().map(milliseconds).collect()).ok_or("nothing was stored")?;
    Ok(vec![
        Row::single(
            "from the inlet to a position",
            "entries/s",
            entries / whole.as_secs_f64(),
        )
        .above(RATE_ABOVE),
        Row::of("message of 500", "ms", &sample),
    ])
}
