//! The benchmark: compares every figure with its goal. It runs the deployed function binaries, and a function that does nothing
//! in the same run.
//!
//! Only doubles on the loopback interface and a local Postgres are in the path. A missed goal is reported, not asserted: figures
//! depend on the machine, which the report names.

mod audit_line;
mod baseline;
mod binaries;
mod delivery;
mod effort;
mod embedded;
mod ledger;
mod load;
mod machine;
mod prefill;
mod process;
mod processor;
mod producers;
mod pure;
mod recorder;
mod report;
mod sample;
mod search;
mod stage;
mod start_up;
mod webhook;
mod webhook_baseline;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

pub use audit_line::{AUDIT_LINES, write_audit_lines};
pub use effort::Effort;

use binaries::Binaries;
use report::{Report, Section};

/// A measurement or the reason why it failed.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Path of the JSON report, from the project's root.
const JSON: &str = "build/bench.json";

/// Measures everything, prints the report on standard output, and writes it to `build/bench.json`.
///
/// # Errors
/// The first measurement that failed. A missed goal is not an error.
///
/// # Panics
/// If no Postgres is reachable; the message says how to start one.
pub async fn run(effort: &Effort) -> Result<()> {
    let binaries = Binaries::build()?;
    let mut report = Report::new(machine::describe().await?);
    report.add(named("start-up", start_up::measure(&binaries, effort).await)?);
    report.add(named("webhook", webhook::measure(&binaries, effort).await)?);
    add_producers(&mut report, &binaries, effort).await?;
    report.add(named("audit line", audit_line::measure(effort))?);
    report.add(named("embedded audit queue", embedded::measure(effort).await)?);
    report.add(named("processor", processor::measure(&binaries, effort).await)?);
    report.add(named("ledger", ledger::measure(effort).await)?);
    report.add(named("recorder", recorder::measure(&binaries, effort).await)?);
    report.add(named("search", search::measure(effort).await)?);
    report.add(named("sizes", binaries.sizes())?);
    for what in effort.left_out() {
        report.not_measured(what);
    }

    io::stdout().write_all(report.to_string().as_bytes())?;
    let file = project().join(JSON);
    std::fs::create_dir_all(file.parent().unwrap_or(project()))?;
    std::fs::write(&file, serde_json::to_string_pretty(&report)? + "\n")?;
    progress(&format!("the report as JSON: {JSON}"));
    Ok(())
}

/// Measures only the processor and prints the result.
///
/// # Errors
/// The failed measurement.
///
/// # Panics
/// If no Postgres is reachable; the message says how to start one.
pub async fn run_processor(effort: &Effort) -> Result<()> {
    let binaries = Binaries::build_one("processor")?;
    let mut report = Report::new(machine::describe().await?);
    report.add(named("processor", processor::measure(&binaries, effort).await)?);
    for what in effort.left_out() {
        report.not_measured(what);
    }
    io::stdout().write_all(report.to_string().as_bytes())?;
    Ok(())
}

/// Measures only what other services send, and with a baseline the webhook against it, and prints the result.
///
/// # Errors
/// The failed measurement.
///
/// # Panics
/// If no Postgres is reachable; the message says how to start one.
pub async fn run_producers(effort: &Effort) -> Result<()> {
    let binaries = Binaries::build()?;
    let mut report = Report::new(machine::describe().await?);
    add_producers(&mut report, &binaries, effort).await?;
    io::stdout().write_all(report.to_string().as_bytes())?;
    Ok(())
}

/// Adds what other services send and, with a baseline, the webhook against it.
async fn add_producers(report: &mut Report, binaries: &Binaries, effort: &Effort) -> Result<()> {
    if effort.baseline {
        report.add(named(
            "webhook against the baseline",
            webhook_baseline::measure(binaries, effort).await,
        )?);
    }
    report.add(named("producers", producers::measure(binaries, effort).await)?);
    Ok(())
}

/// Measures only the ledger and prints the result.
///
/// # Errors
/// The failed measurement.
///
/// # Panics
/// If no Postgres is reachable; the message says how to start one.
pub async fn run_ledger(effort: &Effort) -> Result<()> {
    let mut report = Report::new(machine::describe().await?);
    report.add(named("ledger", ledger::measure(effort).await)?);
    io::stdout().write_all(report.to_string().as_bytes())?;
    Ok(())
}

/// Measures only the search and prints the result: on a database filled by an earlier run, or on a new one.
///
/// # Errors
/// The failed measurement.
///
/// # Panics
/// If no Postgres is reachable; the message says how to start one.
pub async fn run_search(effort: &Effort, filled: Option<&str>) -> Result<()> {
    let mut report = Report::new(machine::describe().await?);
    let section = match filled {
        Some(url) => search::measure_on(url, effort).await,
        None => search::measure(effort).await,
    };
    report.add(named("search", section)?);
    io::stdout().write_all(report.to_string().as_bytes())?;
    Ok(())
}

/// Adds the name of the failed measurement to its error.
fn named(what: &str, measured: Result<Section>) -> Result<Section> {
    measured.map_err(|error| {
        let mut text = format!("{what}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text.into()
    })
}

/// The project's root.
fn project() -> &'static Path {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.ancestors().nth(2).unwrap_or(bench)
}

/// Reports progress on stderr.
fn progress(text: &str) {
    // A closed stderr is ignored.
    drop(writeln!(io::stderr(), "bench: {text}"));
}
