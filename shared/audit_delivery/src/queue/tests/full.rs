//! A full disk, and a directory without write permission: tested in a separate process of this test binary.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::support::{Double, PATIENCE, context, files, job_entry, open, settings, write_entries};
use crate::queue::{AuditQueue, AuditQueueSettings, Limits, OnFull, Until};
use audit::Action;

const ENTRIES: u64 = 400;

/// Runs one of the ignored tests below in `place`, after the shell lines that prepare its environment.
fn run(preparation: &str, test: &str, place: &Path) -> Command {
    let script = format!("{preparation} && exec \"$0\" --exact --ignored --nocapture queue::tests::full::{test}");
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .current_dir(place);
    command
}

fn assert_passes(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
}

/// The same with a small file system in `place`; `false`: none can be mounted here.
fn run_on_small_disk(test: &str) -> bool {
    let allowed = Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no file system can be mounted here");
        return false;
    }
    let place = tempfile::tempdir().unwrap();
    let inner = run("mount -t tmpfs -o size=128k none . && cd \"$PWD\"", test, place.path());
    let mut command = Command::new("unshare");
    command.arg("-rm").arg(inner.get_program()).args(inner.get_args());
    command.current_dir(place.path());
    assert_passes(command);
    true
}

/// An unavailable destination, and an audit log whose only segment keeps growing.
fn audit_queue(on_full: OnFull, segment_bytes: u64) -> (AuditQueue, Double) {
    let away = Double::new("http");
    away.down(true);
    let audit_queue = AuditQueue::open(AuditQueueSettings {
        on_full,
        limits: Limits {
            memory_bytes: 8192,
            segment_bytes,
            ..Limits::default()
        },
        ..settings(&fs::canonicalize(".").unwrap(), &[&away])
    });
    (audit_queue.unwrap(), away)
}

fn await_problem(audit_queue: &AuditQueue) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(problem) = audit_queue.health().disk {
            return problem.error;
        }
        assert!(Instant::now() < until, "the disk accepts everything");
        std::thread::yield_now();
    }
}

/// Writes until the disk is full, sees the writer block, frees space, and sees every entry arrive once.
fn blocks_until(expected: &str, segment_bytes: u64, relief: impl FnOnce(&Double)) {
    let (audit_queue, away) = audit_queue(OnFull::Block, segment_bytes);
    std::thread::scope(|scope| {
        scope.spawn(|| write_entries(&audit_queue, 1..=ENTRIES));
        let error = await_problem(&audit_queue);
        assert!(error.contains(expected), "{error}");
        let health = audit_queue.health();
        assert!(
            health.recorded <= health.durable + 1,
            "one entry waits with its writer: {health:?}"
        );
        assert!(
            health.recorded < ENTRIES,
            "the disk did not fill: this test proves nothing"
        );
        relief(&away);
    });
    away.down(false);
    assert!(
        audit_queue.flush(Until::Delivered, PATIENCE),
        "{:?}",
        audit_queue.health()
    );
    assert_eq!(away.positions(), (1..=ENTRIES).collect::<Vec<_>>());
    assert_eq!(
        (audit_queue.health().disk, audit_queue.health().not_recorded),
        (None, 0)
    );
}

/// Allows this process to write larger files again.
fn raise_limit() {
    let process = std::process::id().to_string();
    let raised = Command::new("prlimit")
        .args(["--pid", &process, "--fsize=unlimited:"])
        .status();
    assert!(raised.unwrap().success());
}

#[test]
fn writer_waits_while_file_is_at_its_limit() {
    let place = tempfile::tempdir().unwrap();
    assert_passes(run(
        "trap '' XFSZ && ulimit -S -f 64",
        "blocks_at_the_limit",
        place.path(),
    ));
}

#[test]
#[ignore = "run by writer_waits_while_file_is_at_its_limit in a separate process"]
fn blocks_at_the_limit() {
    blocks_until("File too large", u64::MAX, |_| raise_limit());
}

#[test]
fn unrecorded_entries_are_counted_and_leave_a_gap() {
    let place = tempfile::tempdir().unwrap();
    assert_passes(run(
        "trap '' XFSZ && ulimit -S -f 64",
        "reports_at_the_limit",
        place.path(),
    ));
}

#[test]
#[ignore = "run by unrecorded_entries_are_counted_and_leave_a_gap in a separate process"]
fn reports_at_the_limit() {
    let (audit_queue, away) = audit_queue(OnFull::Report, u64::MAX);
    write_entries(&audit_queue, 1..=ENTRIES);
    let health = audit_queue.health();
    assert!(health.disk.is_some(), "the disk accepts everything: {health:?}");
    assert!(health.not_recorded > 0 && health.recorded > health.durable);
    assert_eq!(health.recorded + health.not_recorded, ENTRIES);
    raise_limit();
    assert!(audit_queue.flush(Until::Durable, PATIENCE));
    write_entries(&audit_queue, ["after"]);
    away.down(false);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(away.positions(), (1..=health.recorded + 1).collect::<Vec<_>>());
    let numbers: Vec<_> = away
        .lines()
        .iter()
        .map(|line| line["stream"]["seq"].as_u64().unwrap())
        .collect();
    assert!(numbers.is_sorted());
    assert_eq!(numbers.last(), Some(&(ENTRIES + 1)));
    assert_eq!(ENTRIES + 1 - numbers.len() as u64, health.not_recorded);
}

#[test]
fn a_writer_waits_on_a_full_disk() {
    run_on_small_disk("blocks_on_a_full_disk");
}

#[test]
#[ignore = "run by a_writer_waits_on_a_full_disk with a separate small file system"]
fn blocks_on_a_full_disk() {
    blocks_until("No space left on device", u64::MAX, |_| {
        let size = Command::new("mount").args(["-o", "remount,size=8m", "."]).status();
        assert!(size.unwrap().success());
    });
}

#[test]
fn full_disk_is_freed_after_destination_recovers() {
    run_on_small_disk("empties_itself");
}

#[test]
#[ignore = "run by full_disk_is_freed_after_destination_recovers with a separate small file system"]
fn empties_itself() {
    blocks_until("No space left on device", 16 * 1024, |away| away.down(false));
    assert_eq!(files(Path::new("."), ".segment").len(), 1);
}

#[test]
fn unwritable_directory_is_refused_by_name() {
    run_on_small_disk("refuses_a_read_only_disk");
}

#[test]
#[ignore = "run by unwritable_directory_is_refused_by_name with a separate small file system"]
fn refuses_a_read_only_disk() {
    let (double, place) = (Double::new("http"), fs::canonicalize(".").unwrap());
    let remount = |how: &str| {
        let status = Command::new("mount").args(["-o", how]).arg(&place).status();
        assert!(status.unwrap().success());
    };
    let audit_queue = open(&place, &[&double]);
    audit_queue
        .writer()
        .announce_call(Action::SlackPostMessage, &context(), &audit::Target::other("job", "1"));
    audit_queue.writer().write(&job_entry("1"));
    drop(audit_queue);
    remount("remount,ro");
    let error = AuditQueue::open(settings(&place, &[&double])).unwrap_err().to_string();
    assert!(error.contains("queue.lock: Read-only file system"), "{error}");
    assert!(
        error.contains("check the path, its permissions and the free space"),
        "{error}"
    );
    remount("remount,rw");
    let audit_queue = open(&place, &[&double]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(audit_queue.health().recorded, 2);
}
