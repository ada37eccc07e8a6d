//! The audit crate in another service: the example `agent`, run as its users would.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use audit::line_schema::{ParsedEntry, ParsedLine, parse_line};
use doubles::siem::{self, SiemDouble};
use doubles::{Fault, Stub};
use serde_json::Value;

use crate::program::example;

const CORRELATION: &str = "019cae0b-5483-7c1d-8a3e-5b2f6d7e8091";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

/// The service with its queue in a folder and these destinations; `command` runs for each task.
fn agent(folder: &Path, siem: &SiemDouble, command: &[&str]) -> Command {
    let mut agent = Command::new(example("agent"));
    agent
        .arg(folder.join("queue"))
        .arg("--")
        .args(command)
        .env("AUDIT_LOG_DESTINATION", "file,http")
        .env("AUDIT_LOG_FILE_PATH", folder.join("audit.jsonl"))
        .env("AUDIT_LOG_HTTP_ENDPOINT", format!("{}/in", siem.url()))
        .env("CORRELATION_ID", CORRELATION)
        .env("TRACEPARENT", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    agent
}

/// Runs this many tasks until it ends.
async fn run(mut agent: Command, tasks: usize) -> Output {
    let work = move || {
        let mut child = agent.spawn().unwrap();
        give(&mut child, tasks);
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn give(child: &mut Child, tasks: usize) {
    let mut stdin = child.stdin.take().unwrap();
    for iid in 1..=tasks {
        writeln!(stdin, "7301!{iid}").unwrap();
    }
}

/// Entries in the file, each on one complete line.
fn in_file(folder: &Path) -> Vec<ParsedEntry> {
    let text = std::fs::read_to_string(folder.join("audit.jsonl")).unwrap_or_default();
    let entry = |line: &str| match parse_line(line) {
        Ok(ParsedLine::Entry(entry)) => *entry,
        other => panic!("{other:?}: {line}"),
    };
    text.lines().map(entry).collect()
}

fn ids(entries: &[ParsedEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.id.to_string()).collect()
}

/// The command inherits the task's correlation id and trace.
#[tokio::test]
async fn each_task_reaches_every_destination_and_the_command() {
    let (folder, siem) = (tempfile::tempdir().unwrap(), siem::start().await);
    let inherited = folder.path().join("inherited");
    let script = format!("echo $CORRELATION_ID $TRACEPARENT >> {}", inherited.display());
    let done = run(agent(folder.path(), &siem, &["sh", "-c", &script]), 3).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let entries = in_file(folder.path());
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let task = ["copilot.task.started", "agent.command.run", "agent.task.ended"];
    assert_eq!(actions, task.repeat(3));
    for entry in &entries {
        assert_eq!(entry.correlation_id.to_string(), CORRELATION);
        assert_eq!(
            (entry.trace_id.as_deref(), entry.service.as_str()),
            (Some(TRACE), "agent")
        );
        assert!(
            entry.success && entry.target_key.starts_with("merge_request:main/7301!"),
            "{entry:?}"
        );
    }
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.stream.unwrap().seq).collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<_>>(), "in order, without a gap");
    assert_eq!(siem.ids(), ids(&entries), "the same at both destinations");
    let schema: Value = serde_json::from_str(audit::SCHEMA).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    assert!(siem.entries().iter().all(|entry| schema.is_valid(entry)));
    let expected = format!("{CORRELATION} 00-{TRACE}-b7ad6b7169203331-01\n");
    assert_eq!(std::fs::read_to_string(inherited).unwrap(), expected.repeat(3));
}

#[tokio::test]
async fn failing_or_missing_command_is_recorded() {
    let (folder, siem) = (tempfile::tempdir().unwrap(), siem::start().await);
    for (command, class) in [("false", "invalid_response"), ("no-such-command", "not_found")] {
        assert!(run(agent(folder.path(), &siem, &[command]), 1).await.status.success());
        let last = in_file(folder.path()).pop().unwrap();
        assert_eq!(
            (last.action.as_str(), last.error.unwrap().as_str()),
            ("agent.task.ended", class)
        );
    }
}

#[tokio::test]
async fn entries_for_a_down_receiver_follow_after_restart() {
    let (folder, siem) = (tempfile::tempdir().unwrap(), siem::start().await);
    siem.stub(Stub::failing("POST", "/in", Fault::Reset)).unwrap();
    let done = run(agent(folder.path(), &siem, &["true"]), 2).await;
    let report = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(report.contains("6 entries are waiting for http"), "{report}");
    assert!(siem.ids().is_empty());
    assert_eq!(
        in_file(folder.path()).len(),
        6,
        "the file does not wait for the other destination"
    );

    siem.reset();
    assert!(run(agent(folder.path(), &siem, &["true"]), 0).await.status.success());
    assert_eq!(siem.ids(), ids(&in_file(folder.path())));
}

#[tokio::test]
async fn killed_agent_loses_no_reported_task() {
    let (folder, siem) = (tempfile::tempdir().unwrap(), siem::start().await);
    let mut command = agent(folder.path(), &siem, &["true"]);
    let kill = move || {
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || (1..1_000_000).all(|iid| writeln!(stdin, "7301!{iid}").is_ok()));
        let reports = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let done: Vec<String> = reports.take(25).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        writer.join().unwrap();
        done
    };
    let done = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(kill))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(done.len(), 25, "{done:?}");

    assert!(run(agent(folder.path(), &siem, &["true"]), 0).await.status.success());
    let entries = in_file(folder.path());
    for task in &done {
        let target = format!("merge_request:main/{}", task.trim_start_matches("agent: finished "));
        let of_task: Vec<_> = entries.iter().filter(|entry| entry.target_key == target).collect();
        assert_eq!(of_task.len(), 3, "{task}: {of_task:?}");
    }
    let (there, here) = (siem.ids(), ids(&entries));
    assert_eq!(here.iter().collect::<BTreeSet<_>>().len(), here.len(), "each once");
    assert_eq!(there, here, "and the same at both destinations");
}
