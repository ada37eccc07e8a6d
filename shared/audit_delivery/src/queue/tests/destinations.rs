//! Destinations that are down, slow, recovered, panicking, new, removed, rejecting: entries arrive once and in order, and no
//! destination delays another.

use std::fs;
use std::time::{Duration, Instant};

use super::support::{Answer, Double, PATIENCE, files, job_entry, open, settings, write_entries};
use crate::queue::{AuditQueue, Until};

fn all(count: u64) -> Vec<u64> {
    (1..=count).collect()
}

#[test]
fn failing_destination_delays_no_other_and_catches_up() {
    let place = tempfile::tempdir().unwrap();
    let (well, down, stuck) = (Double::new("file"), Double::new("http"), Double::new("syslog"));
    down.down(true);
    stuck.stuck(true);
    let audit_queue = open(place.path(), &[&well, &down, &stuck]);
    write_entries(&audit_queue, 1..=100);
    let until = Instant::now() + PATIENCE;
    while audit_queue.health().destinations[0].behind > 0 {
        assert!(Instant::now() < until, "{:?}", audit_queue.health());
        std::thread::yield_now();
    }
    down.await_calls(3);
    stuck.await_calls(1);
    let health = audit_queue.health();
    assert_eq!((health.recorded, health.durable), (100, 100));
    let behind: Vec<_> = health
        .destinations
        .iter()
        .map(|one| (one.name.as_str(), one.behind))
        .collect();
    assert_eq!(behind, [("file", 0), ("http", 100), ("syslog", 100)]);
    assert!(health.destinations[1].failing_since.is_some());
    assert_eq!(
        health.destinations[1].last_error.as_ref().unwrap().1,
        "connection refused"
    );
    assert!(!audit_queue.flush(Until::Delivered, Duration::from_millis(1)));
    down.down(false);
    stuck.stuck(false);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    for double in [&well, &down, &stuck] {
        assert_eq!(double.positions(), all(100));
    }
    assert_eq!(audit_queue.health().destinations[1].failing_since, None);
}

#[test]
fn restart_continues_at_the_cursor() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    for round in 1..=5_u64 {
        let audit_queue = open(place.path(), &[&double]);
        assert_eq!(audit_queue.health().recorded, (round - 1) * 30);
        write_entries(&audit_queue, 1..=30);
        if round % 2 == 0 {
            assert!(audit_queue.flush(Until::Delivered, PATIENCE));
        }
    }
    let audit_queue = open(place.path(), &[&double]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(double.positions(), all(150));
}

#[test]
fn unacknowledged_batch_is_resent_with_same_ids() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    double.answer([Answer::AcceptAndFail]);
    let audit_queue = open(place.path(), &[&double]);
    write_entries(&audit_queue, ["one"]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    let lines = double.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn one_that_panics_is_tried_again() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    double.answer([Answer::Panic, Answer::Panic]);
    let audit_queue = open(place.path(), &[&double]);
    write_entries(&audit_queue, 1..=3);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(double.positions(), all(3));
}

#[test]
fn one_that_asks_to_be_left_alone_is() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    let asked = Duration::from_millis(300);
    double.answer([Answer::Unavailable(Some(asked))]);
    let audit_queue = open(place.path(), &[&double]);
    write_entries(&audit_queue, ["one"]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    let calls = double.calls();
    assert!(calls[1].0 - calls[0].0 >= asked, "{calls:?}");
}

#[test]
fn refused_entries_are_quarantined_and_others_arrive() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    double.poison("poison");
    double.down(true);
    let audit_queue = open(place.path(), &[&double]);
    let texts = (1..=40).map(|number| {
        if number % 13 == 5 {
            format!("poison {number}")
        } else {
            number.to_string()
        }
    });
    write_entries(&audit_queue, texts);
    double.down(false);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    let refused = [5, 18, 31];
    let expected: Vec<u64> = (1..=40).filter(|position| !refused.contains(position)).collect();
    assert_eq!(double.positions(), expected);
    let health = audit_queue.health();
    assert_eq!((health.destinations[0].refused, health.destinations[0].behind), (3, 0));
    let kept = fs::read_to_string(place.path().join("undelivered.ndjson")).unwrap();
    let kept: Vec<serde_json::Value> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        kept.iter()
            .map(|kept| kept["position"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        refused
    );
    for kept in &kept {
        assert_eq!(
            (kept["destination"].as_str(), kept["error"].as_str()),
            (Some("http"), Some("invalid_response"))
        );
        assert_eq!(kept["reason"], "the receiver answered 422");
        let line: serde_json::Value = serde_json::from_str(kept["line"].as_str().unwrap()).unwrap();
        assert_eq!(line["id"], kept["id"], "the entry is kept whole");
    }
    drop(audit_queue);
    assert_eq!(
        open(place.path(), &[&double]).health().destinations[0].refused,
        3,
        "counted over restarts"
    );
}

#[test]
fn entry_quarantined_before_crash_is_quarantined_only_once() {
    let place = tempfile::tempdir().unwrap();
    let (double, cursor) = (Double::new("http"), place.path().join("cursor.http"));
    double.poison("poison");
    drop(open(place.path(), &[&double]));
    let before = fs::read(&cursor).unwrap();
    let audit_queue = open(place.path(), &[&double]);
    write_entries(&audit_queue, ["poison"]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    drop(audit_queue);
    // The crash came after the entry was quarantined, within the next line, and before the cursor moved.
    fs::write(&cursor, before).unwrap();
    let file = place.path().join("undelivered.ndjson");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "{\"refused_at\":\"20").unwrap();
    let audit_queue = open(place.path(), &[&double]);
    write_entries(&audit_queue, ["poison too"]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(audit_queue.health().destinations[0].refused, 2);
    let kept = fs::read_to_string(&file).unwrap();
    let positions = kept
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let positions: Vec<_> = positions.map(|line| line["position"].as_u64()).collect();
    assert_eq!(positions, [Some(1), Some(2)]);
}

/// Segments also stay for a destination that is no longer configured.
#[test]
fn segments_stay_until_every_known_destination_has_them() {
    let place = tempfile::tempdir().unwrap();
    let (file, http) = (Double::new("file"), Double::new("http"));
    http.down(true);
    let audit_queue = open(place.path(), &[&file, &http]);
    write_entries(&audit_queue, 1..=60);
    assert!(audit_queue.flush(Until::Durable, PATIENCE));
    let all_segments = files(place.path(), ".segment").len();
    assert!(all_segments > 3);
    drop(audit_queue);

    let audit_queue = open(place.path(), &[&file]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    let former = audit_queue
        .health()
        .destinations
        .into_iter()
        .find(|one| !one.configured)
        .unwrap();
    assert_eq!((former.name.as_str(), former.behind), ("http", 60));
    drop(audit_queue);
    assert_eq!(files(place.path(), ".segment").len(), all_segments);

    http.down(false);
    let audit_queue = open(place.path(), &[&file, &http]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    drop(audit_queue);
    assert_eq!((http.positions(), file.positions()), (all(60), all(60)));
    assert_eq!(files(place.path(), ".segment").len(), 1);
}

#[test]
fn added_destination_starts_with_oldest_kept_entry() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = (Double::new("file"), Double::new("http"));
    let audit_queue = open(place.path(), &[&first]);
    write_entries(&audit_queue, 1..=60);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    drop(audit_queue);
    let audit_queue = open(place.path(), &[&first, &second]);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    let late = second.positions();
    assert!(late[0] > 1 && !late.is_empty());
    assert_eq!(late, (late[0]..=60).collect::<Vec<_>>());
}

#[test]
fn an_entry_larger_than_a_batch_arrives_alone() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    double.down(true);
    let mut settings = settings(place.path(), &[&double]);
    settings.limits.batch_bytes = 600;
    let audit_queue = AuditQueue::open(settings).unwrap();
    let writer = audit_queue.writer();
    for number in 0..9_u32 {
        let large = "x ".repeat(200 * usize::from(number % 3 == 1));
        writer.write(
            &job_entry("job")
                .detail("a", large.clone())
                .detail("b", large.clone())
                .detail("c", large),
        );
    }
    double.down(false);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(double.positions(), all(9));
}
