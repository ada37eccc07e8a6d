//! Damaged files: cut off where nothing was confirmed, rejected with file and offset everywhere else.

use std::fs;
use std::path::{Path, PathBuf};

use super::support::{Double, PATIENCE, files, open, settings, write_entries};
use crate::queue::{AuditQueue, AuditQueueError, Until};

/// Enough that the last segment holds a few of them.
const ENTRIES: u64 = 45;

/// Fills several segments of an audit log without delivering anything, closes it, and returns the segments.
fn filled(place: &Path) -> Vec<PathBuf> {
    let away = Double::new("http");
    away.down(true);
    let audit_queue = open(place, &[&away]);
    write_entries(&audit_queue, 1..=ENTRIES);
    drop(audit_queue);
    let segments = files(place, ".segment");
    assert!(segments.len() > 2, "{segments:?}");
    segments.iter().map(|name| place.join(name)).collect()
}

fn refused(place: &Path) -> AuditQueueError {
    let away = Double::new("http");
    AuditQueue::open(settings(place, &[&away])).unwrap_err()
}

#[track_caller]
fn damaged_at(error: &AuditQueueError, path: &Path) -> u64 {
    match error {
        AuditQueueError::Damaged { file, offset, .. } if file == path => *offset,
        _ => panic!("{error}"),
    }
}

#[test]
fn changed_byte_is_reported_with_file_and_offset() {
    let place = tempfile::tempdir().unwrap();
    let segments = filled(place.path());
    for (segment, path) in segments.iter().enumerate() {
        let whole = fs::read(path).unwrap();
        for at in [0, 9, 30, 60, whole.len() / 2] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(path, &bytes).unwrap();
            if segment + 1 < segments.len() || at < 28 {
                let offset = damaged_at(&refused(place.path()), path);
                assert!(offset <= at as u64 && at as u64 - offset < 1000, "{offset} for {at}");
            }
        }
        fs::write(path, &whole).unwrap();
    }
    let back = Double::new("http");
    let audit_queue = open(place.path(), &[&back]);
    assert!(
        audit_queue.flush(Until::Delivered, PATIENCE),
        "restored segments are read"
    );
    assert_eq!(back.positions(), (1..=ENTRIES).collect::<Vec<_>>());
}

#[test]
fn damage_before_later_records_is_not_truncated() {
    let place = tempfile::tempdir().unwrap();
    let away = Double::new("http");
    away.down(true);
    let audit_queue = open(place.path(), &[&away]);
    write_entries(&audit_queue, ["a", "b", "c"]);
    drop(audit_queue);
    let path = place.path().join("000000000001.segment");
    let mut bytes = fs::read(&path).unwrap();
    bytes[60] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(damaged_at(&refused(place.path()), &path), 28);
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
}

#[test]
fn torn_end_is_cut_off_and_reported() {
    let place = tempfile::tempdir().unwrap();
    let segments = filled(place.path());
    let last = segments.last().unwrap();
    let whole = fs::read(last).unwrap();
    fs::write(last, &whole[..whole.len() - 5]).unwrap();
    let back = Double::new("http");
    let audit_queue = open(place.path(), &[&back]);
    let cut = audit_queue.health().cut.unwrap();
    assert_eq!(&cut.file, last);
    assert_eq!(cut.offset + cut.bytes, whole.len() as u64 - 5);
    write_entries(&audit_queue, ["after"]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(
        back.positions(),
        (1..=ENTRIES).collect::<Vec<_>>(),
        "the last is the new one"
    );
    assert_eq!(back.lines().last().unwrap()["target"]["id"], "after");
    drop(audit_queue);
    assert_eq!(open(place.path(), &[&back]).health().cut, None);
}

#[test]
fn missing_segment_or_excess_cursor_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let segments = filled(place.path());
    let elsewhere = place.path().join("elsewhere");
    fs::rename(&segments[1], &elsewhere).unwrap();
    let error = refused(place.path());
    assert_eq!(damaged_at(&error, &segments[2]), 0);
    assert!(
        error.to_string().contains("a segment between them is missing"),
        "{error}"
    );
    fs::rename(&elsewhere, &segments[1]).unwrap();

    let back = Double::new("http");
    let audit_queue = open(place.path(), &[&back]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    drop(audit_queue);
    for segment in files(place.path(), ".segment") {
        fs::remove_file(place.path().join(segment)).unwrap();
    }
    let error = refused(place.path());
    damaged_at(&error, &place.path().join("cursor.http"));
    assert!(
        error.to_string().contains("position 45 is recorded as delivered"),
        "{error}"
    );
}

#[test]
fn damage_while_running_stops_and_reports_the_destination() {
    let place = tempfile::tempdir().unwrap();
    let away = Double::new("http");
    away.down(true);
    let audit_queue = open(place.path(), &[&away]);
    write_entries(&audit_queue, 1..=ENTRIES);
    assert!(audit_queue.flush(Until::Durable, PATIENCE));
    let path = place.path().join(&files(place.path(), ".segment")[1]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[70] ^= 1;
    fs::write(&path, &bytes).unwrap();
    away.down(false);
    let reported = || {
        audit_queue.health().destinations[0]
            .last_error
            .as_ref()
            .is_some_and(|(_, error)| error.contains("is damaged at byte 28"))
    };
    let until = std::time::Instant::now() + PATIENCE;
    while !reported() {
        assert!(std::time::Instant::now() < until, "{:?}", audit_queue.health());
        std::thread::yield_now();
    }
    let positions = away.positions();
    assert_eq!(
        positions,
        (1..=positions.len() as u64).collect::<Vec<_>>(),
        "entries before the damage have arrived"
    );
    assert!(audit_queue.health().destinations[0].behind > 0);
}
