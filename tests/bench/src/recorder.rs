//! The warm recorder function: from a CloudWatch Logs delivery into Postgres, and from there to a destination.

use std::sync::Arc;
use std::time::Duration;

use audit::{Action, ActorType, Context, Entry, Outcome, Target, Writer};
use jiff::SignedDuration;
use model::{Clock, MergeRequestIid, MergeRequestKey, ProjectId, SystemClock};
use serde_json::json;
use uuid::Uuid;

use super::binaries::Binaries;
use super::process::Process;
use super::report::{Row, Section};
use super::sample::{Sample, milliseconds};
use super::stage::Stage;
use super::{Effort, Result, progress};
use doubles::awslogs;
use doubles::clock::MovableClock;

/// Entries in one delivery: CloudWatch Logs sends up to a megabyte, packed.
const BATCH: usize = 500;
/// Deliveries before the first that counts.
const WARM_UP: usize = 5;
/// Entries per second: a hundred thousand deliveries a minute create about this many lines.
const RATE_ABOVE: f64 = 5_000.0;

const NOTE: &str = "\
One environment, deliveries of 500 entries, each stored, ordered and released in two transactions; commits are as durable as the
Postgres settings above. Forwarded to a file, which syncs every batch before it is acknowledged.";

pub(super) async fn measure(binaries: &Binaries, effort: &Effort) -> Result<Section> {
    let deliveries = effort.log_deliveries;
    progress(&format!("recorder: {deliveries} deliveries of {BATCH} entries"));
    let stage = Stage::new().await;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("audit.ndjson");
    let mut variables = stage.variables();
    variables.push(("AUDIT_LOG_DESTINATION", "file".to_owned()));
    variables.push(("AUDIT_LOG_FILE_PATH", file.display().to_string()));
    let process = Process::start(&binaries.path("recorder"), &variables).await?;
    process.started().await?;

    let printed = Printed::new();
    let (mut walls, mut before) = (Vec::new(), Duration::ZERO);
    for delivery in 0..WARM_UP + deliveries {
        if delivery == WARM_UP {
            before = process.cpu()?;
        }
        let lines = printed.lines(BATCH);
        let event = awslogs::event("/aws/lambda/bench", "bench", lines.iter().map(String::as_str));
        let (wall, answer) = process.invoke(event).await?;
        // Its own lines (the secrets read at the start) also get positions.
        let whole = answer["stored"] == BATCH && answer["positions"].as_u64().is_some_and(|got| got >= BATCH as u64);
        if !whole {
            return Err(format!("the recorder did not store a whole delivery: {answer}").into());
        }
        if delivery >= WARM_UP {
            walls.push(wall);
        }
    }
    let cpu = process.cpu()?.saturating_sub(before);
    let entries = count(deliveries * BATCH)?;
    let stored: Duration = walls.iter().sum();

    progress("recorder: forwarding all of them to a file");
    let all = (WARM_UP + deliveries) * BATCH;
    let (wall, _) = process.invoke(json!({"jobs": ["forward"]})).await?;
    let arrived = std::fs::read_to_string(&file)?.lines().count();
    // Its own lines (the secrets read at the start) are also sent.
    if arrived < all {
        return Err(format!("only {arrived} of {all} entries were forwarded in one run").into());
    }
    let sample = Sample::new(walls.into_iter().map(milliseconds).collect()).ok_or("there was no delivery")?;
    let rows = vec![
        Row::single("stored and ordered", "entries/s", entries / stored.as_secs_f64()).above(RATE_ABOVE),
        Row::of("delivery of 500", "ms", &sample),
        Row::single("processor", "us/entry", cpu.as_secs_f64() * 1e6 / entries),
        Row::single("forwarded to a file", "entries/s", count(arrived)? / wall.as_secs_f64()),
    ];
    Ok(Section {
        title: "Recorder",
        note: NOTE.to_owned(),
        rows,
    })
}

fn count(number: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(number)?))
}

/// An execution environment that prints lines.
struct Printed {
    clock: MovableClock,
    writer: Writer,
    memory: audit::Memory,
}

impl Printed {
    fn new() -> Self {
        let clock = MovableClock::at(SystemClock.now());
        let (writer, memory) = Writer::memory("bench", Arc::new(clock.clone()));
        Self { clock, writer, memory }
    }

    /// This many entries of GitLab calls, a few for each merge request, a millisecond apart.
    fn lines(&self, count: usize) -> Vec<String> {
        for number in 0..count {
            self.clock.pass(SignedDuration::from_millis(1));
            let context = Context::new(ActorType::WebhookEvent, Uuid::now_v7());
            let target = Target::merge_request(&MergeRequestKey {
                instance: "main".to_owned(),
                project_id: ProjectId(77),
                mr_iid: MergeRequestIid(i64::try_from(number / 4).unwrap_or(0)),
            });
            let entry = Entry::new(Action::GitlabGetMrApprovals, &context, target, Outcome::Success);
            let entry = entry.took(Duration::from_millis(3)).detail("http_status", 200_u16);
            self.writer.write(&entry);
        }
        self.memory.take()
    }
}
