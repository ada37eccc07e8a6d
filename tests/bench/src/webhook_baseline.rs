//! The webhook function against that of an earlier commit: start-up, and processor time of one delivery.

use std::path::PathBuf;
use std::time::Duration;

use super::baseline::Baseline;
use super::binaries::Binaries;
use super::delivery::{self, Signed};
use super::process::Process;
use super::report::{Row, Section};
use super::sample::{Sample, microseconds, milliseconds};
use super::stage::Stage;
use super::{Effort, Result, progress};

/// Goal: at most this multiple of the earlier commit.
const AT_MOST: f64 = 1.03;
const WARM_UP: usize = 50;
/// The doubles keep every message; more of them would slow down later ones.
const WIPE_EVERY: usize = 200;

const NOTE: &str = "\
Both functions are started and invoked in turn, so that both meet the same machine load. Deliveries of 20 KB that are queued.";

/// One of the two functions.
struct Side {
    name: String,
    binary: PathBuf,
    starts: Vec<f64>,
}

pub(super) async fn measure(binaries: &Binaries, effort: &Effort) -> Result<Section> {
    let baseline = Baseline::built()?;
    let before = format!("webhook of {}", baseline.name());
    let side = |name: &str, binary: PathBuf| Side {
        name: name.to_owned(),
        binary,
        starts: Vec::new(),
    };
    let mut sides = [
        side(&before, baseline.webhook()),
        side("webhook", binaries.path("webhook")),
    ];
    let stage = Stage::new().await;
    let mut rows = start_up(&mut sides, &stage, effort).await?;
    rows.extend(deliveries(&sides, &stage, effort).await?);
    Ok(Section {
        title: "Webhook against an earlier commit",
        note: NOTE.to_owned(),
        rows,
    })
}

/// From the start of the process to its first poll, without waiting for secrets.
async fn start_up(sides: &mut [Side; 2], stage: &Stage, effort: &Effort) -> Result<Vec<Row>> {
    let rounds = effort.starts * 4;
    progress(&format!("webhook against the baseline: {rounds} starts"));
    for round in 0..=rounds {
        for side in sides.iter_mut() {
            let process = Process::start(&side.binary, &stage.variables()).await?;
            let whole = process.started().await?;
            let said = process.initialised()?.ok_or("the function did not report its start")?;
            let without_secrets = whole.saturating_sub(Duration::from_micros(said.secrets_us.into()));
            // The first round loads the files into memory and is not counted.
            if round > 0 {
                side.starts.push(milliseconds(without_secrets));
            }
        }
        stage.wipe();
    }
    let mut rows = Vec::new();
    let mut medians = Vec::new();
    for side in sides.iter_mut() {
        let sample = Sample::new(std::mem::take(&mut side.starts)).ok_or("there was no start")?;
        medians.push(sample.median());
        rows.push(Row::of(format!("{}: start without secrets", side.name), "ms", &sample));
    }
    rows.push(Row::single("start, relative", "x", medians[1] / medians[0]).at_most(AT_MOST));
    Ok(rows)
}

async fn deliveries(sides: &[Side; 2], stage: &Stage, effort: &Effort) -> Result<Vec<Row>> {
    progress(&format!(
        "webhook against the baseline: 2 x {} deliveries",
        effort.invocations
    ));
    let body = delivery::body("merge_request");
    let mut running = Vec::new();
    for side in sides {
        let process = Process::start(&side.binary, &stage.variables()).await?;
        process.started().await?;
        running.push((side, process, Duration::ZERO));
    }
    for number in 0..WARM_UP + effort.invocations {
        if number % WIPE_EVERY == 0 {
            stage.wipe();
        }
        for (side, process, before) in &mut running {
            if number == WARM_UP {
                *before = process.cpu()?;
            }
            let event = Signed::new(number, &body)?.event(&body);
            let (_, answer) = process.invoke(event).await?;
            if answer["statusCode"] != 202 {
                return Err(format!("{}: unexpected answer {answer}", side.name).into());
            }
        }
    }
    let mut rows = Vec::new();
    let mut each = Vec::new();
    for (side, process, before) in running {
        let used = microseconds(process.cpu()?.saturating_sub(before));
        each.push(used / f64::from(u32::try_from(effort.invocations)?));
        rows.push(Row::single(
            format!("{}: processor per delivery", side.name),
            "us",
            each[each.len() - 1],
        ));
    }
    rows.push(Row::single("processor per delivery, relative", "x", each[1] / each[0]).at_most(AT_MOST));
    Ok(rows)
}
