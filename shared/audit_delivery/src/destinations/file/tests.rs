//! Rotation, torn lines, repetition: in all cases the file holds every entry once, whole and in order.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use audit::FailureClass;
use fixtures::{Folder, check, deliver, entries, line, numbers, unavailable};

mod fixtures;
mod full;
mod killed;

#[test]
fn repeated_batch_is_written_once() {
    let folder = Folder::new();
    let mut file = folder.destination();
    deliver(&mut file, 1..=3).unwrap();
    deliver(&mut file, 1..=3).unwrap();
    deliver(&mut file, 2..=5).unwrap();
    drop(file);
    let mut restarted = folder.destination();
    deliver(&mut restarted, 4..=6).unwrap();
    deliver(&mut restarted, 1..=8).unwrap();
    assert_eq!(folder.text("audit.jsonl"), entries(1..=8), "no line is repeated");
}

#[test]
fn check_fails_for_missing_or_misplaced_entry() {
    let folder = Folder::new();
    deliver(&mut folder.destination(), (1..=9).filter(|number| *number != 5)).unwrap();
    assert!(check(&["audit.jsonl"], &folder, 9).is_err());
    let out_of_order: String = [1, 3, 2].map(|number| line(number) + "\n").concat();
    fs::write(folder.path("audit.jsonl"), out_of_order).unwrap();
    assert!(check(&["audit.jsonl"], &folder, 3).is_err());
}

#[test]
fn after_rotation_by_rename_a_new_file_follows() {
    let folder = Folder::new();
    let mut file = folder.destination();
    deliver(&mut file, 1..=3).unwrap();
    fs::rename(folder.path("audit.jsonl"), folder.path("audit.jsonl.1")).unwrap();
    deliver(&mut file, 2..=5).unwrap();
    assert_eq!(folder.text("audit.jsonl.1"), entries(1..=3));
    assert_eq!(folder.text("audit.jsonl"), entries(4..=5));
}

#[test]
fn file_created_by_the_rotator_is_reused() {
    let folder = Folder::new();
    let mut file = folder.destination();
    deliver(&mut file, 1..=3).unwrap();
    fs::rename(folder.path("audit.jsonl"), folder.path("audit.jsonl.1")).unwrap();
    fs::write(folder.path("audit.jsonl"), "").unwrap();
    fs::set_permissions(folder.path("audit.jsonl"), fs::Permissions::from_mode(0o600)).unwrap();
    deliver(&mut file, 4..=5).unwrap();
    assert_eq!(folder.text("audit.jsonl"), entries(4..=5));
    assert_eq!(folder.mode("audit.jsonl"), 0o600, "the mode set by the rotator is kept");
}

#[test]
fn after_copy_and_truncate_writing_restarts_at_zero() {
    let folder = Folder::new();
    let mut file = folder.destination();
    deliver(&mut file, 1..=3).unwrap();
    fs::copy(folder.path("audit.jsonl"), folder.path("audit.jsonl.1")).unwrap();
    fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(folder.path("audit.jsonl"))
        .unwrap();
    deliver(&mut file, 3..=5).unwrap();
    assert_eq!(folder.text("audit.jsonl"), entries(4..=5), "no gap before it");
    check(&["audit.jsonl.1", "audit.jsonl"], &folder, 5).unwrap();
}

#[test]
fn a_file_that_was_removed_is_made_again() {
    let folder = Folder::new();
    let mut file = folder.destination();
    deliver(&mut file, 1..=3).unwrap();
    fs::remove_file(folder.path("audit.jsonl")).unwrap();
    deliver(&mut file, 4..=5).unwrap();
    assert_eq!(folder.text("audit.jsonl"), entries(4..=5));
}

#[test]
fn a_file_renamed_all_the_time_loses_nothing() {
    let folder = Folder::new();
    let path = folder.path("audit.jsonl");
    let mut file = folder.destination();
    let over = Arc::new(AtomicBool::new(false));
    let rotations = Arc::new(AtomicUsize::new(0));
    let rotator = std::thread::spawn({
        let (over, rotations) = (Arc::clone(&over), Arc::clone(&rotations));
        move || {
            while !over.load(Ordering::Relaxed) {
                let name = format!("audit.jsonl.{}", rotations.load(Ordering::Relaxed));
                if fs::rename(&path, path.with_file_name(name)).is_ok() {
                    rotations.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::yield_now();
            }
        }
    });
    let mut last = 0;
    while rotations.load(Ordering::Relaxed) < 30 {
        // Renamed too often between opening and locking: retried, as every caller does.
        while let Err(error) = deliver(&mut file, last + 1..=last + 5) {
            assert_eq!(error.class(), FailureClass::Conflict, "{error}");
        }
        last += 5;
    }
    over.store(true, Ordering::Relaxed);
    rotator.join().unwrap();
    let rotated = 0..rotations.load(Ordering::Relaxed);
    let mut names: Vec<String> = rotated.map(|number| format!("audit.jsonl.{number}")).collect();
    names.extend(folder.path("audit.jsonl").exists().then(|| "audit.jsonl".to_owned()));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check(&names, &folder, last).unwrap();
}

#[test]
fn a_line_torn_at_any_byte_is_completed() {
    let whole = entries(1..=3);
    let folder = Folder::new();
    for cut in 0..whole.len() {
        fs::write(folder.path("audit.jsonl"), &whole[..cut]).unwrap();
        deliver(&mut folder.destination(), 1..=3).unwrap();
        assert_eq!(folder.text("audit.jsonl"), whole, "torn after {cut} bytes");
    }
}

#[test]
fn foreign_torn_line_is_closed_before_next_entry() {
    let folder = Folder::new();
    for torn in ["{\"id\":\"\0\0\0", "foreign", &line(9)[..110], &line(9)] {
        fs::write(folder.path("audit.jsonl"), entries(1..=1) + torn).unwrap();
        deliver(&mut folder.destination(), 1..=2).unwrap();
        let expected = entries(1..=1) + torn + "\n" + &entries(2..=2);
        assert_eq!(folder.text("audit.jsonl"), expected);
    }
}

#[test]
fn torn_line_is_untouched_without_new_entries() {
    let folder = Folder::new();
    fs::write(folder.path("audit.jsonl"), entries(1..=2) + "torn").unwrap();
    let mut file = folder.destination();
    deliver(&mut file, 1..=2).unwrap();
    assert_eq!(folder.text("audit.jsonl"), entries(1..=2) + "torn");
    deliver(&mut file, 3..=3).unwrap();
    assert_eq!(folder.text("audit.jsonl"), entries(1..=2) + "torn\n" + &entries(3..=3));
}

#[test]
fn an_entry_cannot_forge_a_second_line() {
    let folder = Folder::new();
    let hostile = format!("{{\"a\":1,\r\n{}\n\"b\":2}}", line(2));
    let entry = Outgoing {
        position: 1,
        id: Uuid::from_u128(1),
        line: &hostile,
    };
    folder.destination().deliver(&[entry]).unwrap();
    let text = folder.text("audit.jsonl");
    assert_eq!(text.lines().count(), 1);
    assert_eq!(text, format!("{{\"a\":1,  {} \"b\":2}}\n", line(2)));
}

#[test]
fn new_file_is_limited_to_owner_and_group() {
    let folder = Folder::new();
    deliver(&mut folder.destination(), 1..=1).unwrap();
    assert_eq!(folder.mode("audit.jsonl") & !0o640, 0);
}

#[test]
fn second_writer_is_refused_until_first_has_closed() {
    let folder = Folder::new();
    let mut first = folder.destination();
    let mut second = folder.destination();
    deliver(&mut first, 1..=1).unwrap();
    let (class, message) = unavailable(deliver(&mut second, 2..=2));
    assert_eq!(class, FailureClass::Conflict);
    assert!(message.contains("another process holds its lock"), "{message}");
    first.close();
    deliver(&mut second, 2..=2).unwrap();
    drop(second);
    deliver(&mut first, 1..=3).unwrap();
    assert_eq!(folder.text("audit.jsonl"), entries(1..=3));
}

#[test]
fn other_file_types_are_rejected_immediately() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe, "/dev/full".into(), folder.path(".")] {
        let mut destination = FileDestination::new(path.clone());
        let (class, message) = unavailable(deliver(&mut destination, 1..=1));
        assert_eq!(class, FailureClass::InvalidResponse, "{path:?}");
        assert!(message.contains("not a regular file"), "{message}");
    }
}

#[test]
fn missing_or_unwritable_folder_fails_until_available() {
    let folder = Folder::new();
    let mut file = FileDestination::new(folder.path("later/audit.jsonl"));
    assert_eq!(unavailable(deliver(&mut file, 1..=2)).0, FailureClass::NotFound);
    fs::create_dir(folder.path("later")).unwrap();
    deliver(&mut file, 1..=2).unwrap();
    check(&["later/audit.jsonl"], &folder, 2).unwrap();
    // Not even root can create files there.
    let (class, _) = unavailable(deliver(&mut FileDestination::new("/sys/audit.jsonl".into()), 1..=2));
    assert!(
        matches!(class, FailureClass::AuthFailure | FailureClass::ServerError),
        "{class}"
    );
}

#[test]
fn an_empty_batch_opens_nothing() {
    let folder = Folder::new();
    folder.destination().deliver(&[]).unwrap();
    assert!(!folder.path("audit.jsonl").exists());
}

/// An event in the life of a file and its writer.
#[derive(Debug, Clone)]
enum Event {
    /// A batch that begins this many entries before the acknowledged position.
    Deliver {
        overlap: u64,
        size: u64,
    },
    /// The writer dies after this many bytes of the next batch.
    Crash {
        bytes: usize,
    },
    Restart,
    Rename,
    CopyAndTruncate,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..5_u64, 1..5_u64).prop_map(|(overlap, size)| Event::Deliver { overlap, size }),
        2 => (0..400_usize).prop_map(|bytes| Event::Crash { bytes }),
        1 => Just(Event::Restart),
        1 => Just(Event::Rename),
        1 => Just(Event::CopyAndTruncate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_survives_any_events_in_order(events in prop::collection::vec(event(), 1..25)) {
        let folder = Folder::new();
        let path = folder.path("audit.jsonl");
        let mut file = folder.destination();
        let (mut acknowledged, mut written, mut rotated) = (0, 0, Vec::new());
        for event in events {
            match event {
                Event::Deliver { overlap, size } => {
                    let first = acknowledged.max(overlap) - overlap + 1;
                    let last = acknowledged.max(first + size - 1);
                    deliver(&mut file, first..=last).unwrap();
                    acknowledged = last;
                }
                Event::Crash { bytes } => {
                    let there = fs::read_to_string(&path).unwrap_or_default();
                    let last = numbers(&there).into_iter().fold(acknowledged, u64::max);
                    let next = entries(last + 1..=last + 3);
                    drop(std::mem::replace(&mut file, folder.destination()));
                    // Only to a whole line: a live writer never leaves a partial one.
                    if there.ends_with('\n') {
                        fs::write(&path, there + &next[..bytes.min(next.len())]).unwrap();
                        written = written.max(last + 3);
                    }
                }
                Event::Restart => file = folder.destination(),
                Event::Rename | Event::CopyAndTruncate => {
                    let name = format!("audit.jsonl.{}", rotated.len());
                    let to = folder.path(&name);
                    let moved = match event {
                        Event::Rename => fs::rename(&path, to).is_ok(),
                        _ => fs::copy(&path, to).is_ok() && fs::OpenOptions::new().write(true).truncate(true).open(&path).is_ok(),
                    };
                    if moved {
                        rotated.push(name);
                    }
                }
            }
        }
        let last = written.max(acknowledged) + 1;
        deliver(&mut file, acknowledged + 1..=last).unwrap();
        let mut names: Vec<&str> = rotated.iter().map(String::as_str).collect();
        names.push("audit.jsonl");
        check(&names, &folder, last).map_err(TestCaseError::fail)?;
        if rotated.is_empty() {
            prop_assert_eq!(folder.text("audit.jsonl"), entries(1..=last), "each line whole and once");
        }
    }
}
