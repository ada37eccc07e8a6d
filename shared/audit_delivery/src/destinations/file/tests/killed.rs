//! A writer killed at any moment: acknowledged entries are in the file, and entries repeated after a restart are there once.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::fixtures::{Folder, deliver, entries};
use super::*;

const LAST: u64 = 700;

#[test]
fn repeatedly_killed_writer_leaves_every_entry_once() {
    let folder = Folder::new();
    for kill in 1..=6 {
        let mut writer = writer(&folder);
        grown_beyond(kill * 4000, &folder, &mut writer);
        // Fails if it has already finished, which is also fine.
        drop(writer.kill());
        writer.wait().unwrap();
        let acknowledged = cursor(&folder);
        assert!(
            folder.text("audit.jsonl").starts_with(&entries(1..=acknowledged)),
            "acknowledged entries are in the file"
        );
    }
    assert!(writer(&folder).wait().unwrap().success());
    assert_eq!(
        folder.text("audit.jsonl"),
        entries(1..=LAST),
        "each line whole and once"
    );
}

fn writer(folder: &Folder) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "destinations::file::tests::killed::writes_on"])
        .current_dir(folder.path("."))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the file has `bytes`, so that each kill comes later than the one before.
fn grown_beyond(bytes: u64, folder: &Folder, writer: &mut Child) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while fs::metadata(folder.path("audit.jsonl")).map_or(0, |file| file.len()) < bytes {
        assert!(Instant::now() < deadline, "the writer does not write");
        assert!(writer.try_wait().unwrap().is_none_or(|status| status.success()));
        std::thread::yield_now();
    }
}

/// The last entry whose delivery was noted: the cursor that a real caller keeps.
fn cursor(folder: &Folder) -> u64 {
    fs::read_to_string(folder.path("cursor")).map_or(0, |text| text.parse().unwrap())
}

#[test]
#[ignore = "run by repeatedly_killed_writer_leaves_every_entry_once in a separate process"]
fn writes_on() {
    let mut file = FileDestination::new(fs::canonicalize(".").unwrap().join("audit.jsonl"));
    let mut delivered: u64 = fs::read_to_string("cursor").map_or(0, |text| text.parse().unwrap());
    while delivered < LAST {
        let last = LAST.min(delivered + 7);
        // A predecessor that is being killed may still hold the lock for a moment.
        while let Err(error) = deliver(&mut file, delivered + 1..=last) {
            assert_eq!(error.class(), audit::FailureClass::Conflict, "{error}");
        }
        delivered = last;
        fs::write("cursor.new", delivered.to_string()).unwrap();
        fs::rename("cursor.new", "cursor").unwrap();
    }
}
