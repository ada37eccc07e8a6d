//! The warm webhook function: signed deliveries of 20 KB in sequence, compared with a function that does nothing.

use std::time::Duration;

use serde_json::Value;

use super::binaries::{Binaries, HELLO};
use super::delivery::{self, Signed};
use super::process::Process;
use super::report::{Row, Section};
use super::sample::{Sample, microseconds};
use super::stage::Stage;
use super::{Effort, Result, progress, pure};

/// CPU time of the handler without network, in microseconds.
const HANDLER_BELOW: f64 = 100.0;
/// Invocations before the first that counts.
const WARM_UP: usize = 50;
/// The doubles keep every message; more of them would slow down later ones.
const WIPE_EVERY: usize = 200;

const NOTE: &str = "\
The same events to each function in turn. Wall time includes this benchmark's Runtime API; processor time is the function's user and
system time. The goal is for an authentic delivery of an unhandled kind, minus hello: everything except the
envelope and the call to SQS. In-process figures are parts of the whole, measured on one thread.";

/// One series of invocations.
struct Series {
    what: &'static str,
    binary: &'static str,
    body: String,
    /// What the answer must contain, to prove that the intended case is measured.
    answered: Option<&'static str>,
}

pub(super) async fn measure(binaries: &Binaries, effort: &Effort) -> Result<Section> {
    progress(&format!("warm webhook: 3 x {} invocations", effort.invocations));
    let stage = Stage::new().await;
    let (handled, ignored) = (delivery::body("merge_request"), delivery::body("pipeline"));
    let all = all_series(&handled, ignored);

    // 1. One process per series; every turn invokes each, so that all meet the same machine load.
    let mut running = Vec::new();
    for series in &all {
        let process = Process::start(&binaries.path(series.binary), &stage.variables()).await?;
        process.started().await?;
        running.push((series, process, Vec::new(), Duration::ZERO));
    }
    for number in 0..WARM_UP + effort.invocations {
        if number % WIPE_EVERY == 0 {
            stage.wipe();
        }
        for (series, process, walls, cpu_before) in &mut running {
            if number == WARM_UP {
                *cpu_before = process.cpu()?;
            }
            let event = Signed::new(number, &series.body)?.event(&series.body);
            let (wall, answer) = process.invoke(event).await?;
            check(series, &answer)?;
            if number >= WARM_UP {
                walls.push(microseconds(wall));
            }
        }
    }

    // 2. Wall time and processor time per invocation.
    let mut rows = Vec::new();
    let mut cpu = Vec::new();
    for (series, process, walls, cpu_before) in running {
        let walls = Sample::new(walls).ok_or("there was no invocation")?;
        rows.push(Row::of(format!("{}: wall", series.what), "us", &walls));
        let used = microseconds(process.cpu()?.saturating_sub(cpu_before));
        let each = used / f64::from(u32::try_from(effort.invocations)?);
        rows.push(Row::single(format!("{}: processor", series.what), "us", each));
        cpu.push(each);
    }

    // 3. The handler alone: the difference to hello.
    if let [hello, queued, ignored] = cpu[..] {
        rows.push(Row::single("handler without SQS: processor", "us", ignored - hello).below(HANDLER_BELOW));
        rows.push(Row::single("handler with SQS: processor", "us", queued - hello));
    }
    rows.extend(pure::measure(&handled, effort)?);
    Ok(Section {
        title: "Webhook, 20 KB delivery",
        note: NOTE.to_owned(),
        rows,
    })
}

fn all_series(handled: &str, ignored: String) -> [Series; 3] {
    [
        Series {
            what: "hello",
            binary: HELLO,
            body: handled.to_owned(),
            answered: None,
        },
        Series {
            what: "webhook, queued",
            binary: "webhook",
            body: handled.to_owned(),
            answered: Some("accepted"),
        },
        Series {
            what: "webhook, ignored",
            binary: "webhook",
            body: ignored,
            answered: Some("ignored"),
        },
    ]
}

fn check(series: &Series, answer: &Value) -> Result<()> {
    let Some(expected) = series.answered else {
        return Ok(());
    };
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
    if body["status"] == expected {
        Ok(())
    } else {
        Err(format!("{}: unexpected answer {answer}", series.what).into())
    }
}
