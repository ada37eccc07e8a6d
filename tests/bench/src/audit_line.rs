//! One audit line: how long the calling code waits for the write.

use std::fs::File;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use audit::{Action, ActorType, Context, Entry, Outcome, Target, Writer};
use model::{MergeRequestIid, MergeRequestKey, ProjectId, SystemClock};
use uuid::Uuid;

use super::report::{Row, Section};
use super::sample::{Sample, microseconds};
use super::{Effort, Result, delivery, progress};

/// The argument with which this program measures its own audit lines in a child process with a separate standard output.
pub const AUDIT_LINES: &str = "audit-lines";

/// The 99th percentile of one write, in microseconds.
const WRITE_BELOW: f64 = 50.0;
/// Lines before the first that counts.
const WARM_UP: usize = 1_000;

/// The running program, even if a build has replaced its file (`proc(5)`).
const THIS_PROGRAM: &str = "/proc/self/exe";

const NOTE: &str = "\
One entry as in the webhook function: rendered, numbered, passed to the operating system. Lambda reads a function's standard
output through a pipe.";

/// Both kinds of standard output.
pub(super) fn measure(effort: &Effort) -> Result<Section> {
    progress(&format!("audit lines: 2 x {}", effort.lines));
    let file = tempfile::NamedTempFile::new()?;
    let to_file = time_lines(effort, File::create(file.path())?.into())?;
    let to_pipe = time_lines(effort, Stdio::piped())?;
    let rows = vec![
        Row::of("one line into a pipe", "us", &to_pipe).p99_below(WRITE_BELOW),
        Row::of("one line into a file", "us", &to_file).p99_below(WRITE_BELOW),
    ];
    Ok(Section {
        title: "Audit line",
        note: NOTE.to_owned(),
        rows,
    })
}

/// A child process writes the lines and reports each duration on standard error.
fn time_lines(effort: &Effort, stdout: Stdio) -> Result<Sample> {
    let mut command = Command::new(THIS_PROGRAM);
    command
        .args([AUDIT_LINES, &effort.lines.to_string()])
        .stdout(stdout)
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let drain = child
        .stdout
        .take()
        .map(|mut pipe| std::thread::spawn(move || io::copy(&mut pipe, &mut io::sink())));
    let output = child.wait_with_output()?;
    if let Some(drain) = drain {
        drain.join().map_err(|_| "the thread that read the lines panicked")??;
    }
    if !output.status.success() {
        return Err(format!("writing audit lines: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let times: Vec<f64> = serde_json::from_slice(&output.stderr)?;
    Sample::new(times).ok_or_else(|| "no audit line was written".into())
}

/// Writes that many audit lines to standard output and reports the microseconds of each on standard error, as a JSON array.
///
/// # Errors
/// If `count` is not a number, or standard error is closed.
pub fn write_audit_lines(count: &str) -> Result<()> {
    let count: usize = count.parse()?;
    let (writer, entry) = (Writer::stdout("bench", Arc::new(SystemClock)), sample_entry());
    let mut times = Vec::with_capacity(WARM_UP + count);
    for _ in 0..WARM_UP + count {
        let begun = Instant::now();
        writer.write(&entry);
        times.push(microseconds(begun.elapsed()));
    }
    io::stderr().write_all(serde_json::to_string(&times[WARM_UP..])?.as_bytes())?;
    Ok(())
}

/// An entry like that of the webhook function for a delivery.
pub(super) fn sample_entry() -> Entry {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let context = Context::new(ActorType::WebhookEvent, Uuid::now_v7()).with_traceparent(Some(trace));
    let target = Target::merge_request(&MergeRequestKey {
        instance: "main".to_owned(),
        project_id: ProjectId(77),
        mr_iid: MergeRequestIid(12),
    });
    Entry::new(Action::WebhookAuthVerify, &context, target, Outcome::Success)
        .detail("result", "valid")
        .detail("method", "hmac_sha256")
        .detail("hook", "bench")
        .detail("source_ip", "203.0.113.7")
        .detail("delivery_id", "4b8f2f6a-90c1-4e5d-86f0-f4d7c5f1c2f6")
        .detail("user_agent", "GitLab/19.1.0")
        .detail("body_bytes", delivery::BYTES)
        .detail("payload_sha256", model::sha256_hex(b"body"))
}
