//! Which settings and processes may open an audit log, and what happens to writers that outlive it.

use std::sync::Arc;
use std::time::Duration;

use model::SystemClock;

use super::support::{Double, PATIENCE, files, job_entry, open, settings, write_entries};
use crate::queue::{AuditQueue, AuditQueueError, AuditQueueSettings, Durability, Health, Until};

#[test]
fn directory_is_locked_by_one_log_only() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    let first = open(place.path(), &[&double]);
    let error = AuditQueue::open(settings(place.path(), &[&double])).unwrap_err();
    assert!(matches!(error, AuditQueueError::InUse { .. }), "{error}");
    let holder = format!("is in use by process {}: give each process", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    drop(first);
    drop(open(place.path(), &[&double]));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let (one, same, bad) = (Double::new("http"), Double::new("http"), Double::new("../http"));
    let error = AuditQueue::open(settings(place.path(), &[&one, &same])).unwrap_err();
    assert!(matches!(error, AuditQueueError::SameName("http")), "{error}");
    let error = AuditQueue::open(settings(place.path(), &[&bad])).unwrap_err();
    assert!(matches!(error, AuditQueueError::BadName("../http")), "{error}");
    let error = AuditQueue::open(settings(place.path(), &[])).unwrap_err();
    assert!(matches!(error, AuditQueueError::NoDestination), "{error}");
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = AuditQueue::open(settings(&file.join("audit"), &[&one])).unwrap_err();
    assert!(error.to_string().starts_with("cannot create the directory"), "{error}");
}

#[test]
fn disabled_audit_log_writes_nothing() {
    let audit_queue = AuditQueue::off("worker", Arc::new(SystemClock));
    write_entries(&audit_queue, 1..=3);
    assert!(audit_queue.flush(Until::Delivered, Duration::ZERO));
    assert_eq!(audit_queue.health(), Health::default());
}

#[test]
fn durable_write_returns_only_after_reaching_disk() {
    let place = tempfile::tempdir().unwrap();
    let away = Double::new("http");
    away.down(true);
    let audit_queue = open(place.path(), &[&away]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (writer, audit_queue) = (audit_queue.writer(), &audit_queue);
            scope.spawn(move || {
                for number in 0..20 {
                    let line = writer.write(&job_entry(&number.to_string()));
                    // One stream and one queue: sequence number and position are equal.
                    assert!(audit_queue.health().durable >= line.seq);
                }
            });
        }
    });
    away.down(false);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    let numbers: Vec<_> = away
        .lines()
        .iter()
        .map(|line| line["stream"]["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=80).collect::<Vec<_>>());
    assert_eq!(away.positions(), numbers);
}

#[test]
fn entries_become_durable_in_time_without_anybody_asking() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    let audit_queue = AuditQueue::open(AuditQueueSettings {
        durability: Durability::Within(Duration::from_millis(5)),
        ..settings(place.path(), &[&double])
    })
    .unwrap();
    write_entries(&audit_queue, 1..=3);
    let until = std::time::Instant::now() + PATIENCE;
    while double.positions().len() < 3 {
        assert!(std::time::Instant::now() < until, "{:?}", audit_queue.health());
        std::thread::yield_now();
    }
}

#[test]
fn writer_outliving_its_log_loses_no_entry() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    let audit_queue = open(place.path(), &[&double]);
    let writer = audit_queue.writer();
    write_entries(&audit_queue, ["before"]);
    drop(audit_queue);
    writer.write(&job_entry("after"));
    let error = AuditQueue::open(settings(place.path(), &[&double])).unwrap_err();
    assert!(
        matches!(error, AuditQueueError::InUse { .. }),
        "the writer still holds the lock: {error}"
    );
    drop(writer);
    let audit_queue = open(place.path(), &[&double]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(double.positions(), [1, 2]);
    assert_eq!(files(place.path(), ".segment").len(), 1);
}
