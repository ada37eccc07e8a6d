//! A service killed repeatedly at any moment, with a file as its destination: every entry whose write had returned is in the file,
//! each once, each writer's in order.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::support::{PATIENCE, job_entry, settings};
use crate::destinations::FileDestination;
use crate::queue::{AuditQueue, AuditQueueSettings, Durability, Until};

const ROUNDS: u64 = 10;
const THREADS: usize = 3;

#[test]
fn repeatedly_killed_service_neither_loses_nor_duplicates_entries() {
    let place = tempfile::tempdir().unwrap();
    for round in 1..=ROUNDS {
        // Both settings lose nothing if only the process dies.
        fs::write(
            place.path().join("durability"),
            if round % 2 == 0 { "each" } else { "within" },
        )
        .unwrap();
        let mut service = service(place.path());
        grown_beyond(round * 40, place.path(), &mut service);
        service.kill().unwrap();
        service.wait().unwrap();
    }
    finish(place.path());
    let (acknowledged, delivered) = read_lines(place.path());
    assert!(acknowledged.len() > 40 * usize::try_from(ROUNDS).unwrap());
    assert_eq!(check(&acknowledged, &delivered), Ok(()));
    let streams: HashSet<_> = delivered.iter().map(|(stream, _)| stream).collect();
    assert_eq!(streams.len() as u64, ROUNDS + 1, "every process has written");
}

/// The control: a lost queue is detected.
#[test]
fn check_detects_a_lost_queue() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("durability"), "each").unwrap();
    // A folder at its path: the file cannot be written, so everything stays in the queue.
    fs::create_dir(place.path().join("audit.ndjson")).unwrap();
    let mut service = service(place.path());
    grown_beyond(20, place.path(), &mut service);
    service.kill().unwrap();
    service.wait().unwrap();
    fs::remove_dir(place.path().join("audit.ndjson")).unwrap();
    let thrown_away = place.path().join("thrown away");
    fs::rename(place.path().join("queue"), &thrown_away).unwrap();
    finish(place.path());
    let (acknowledged, delivered) = read_lines(place.path());
    assert!(check(&acknowledged, &delivered).unwrap_err().contains("is lost"));

    fs::remove_dir_all(place.path().join("queue")).unwrap();
    fs::rename(thrown_away, place.path().join("queue")).unwrap();
    finish(place.path());
    let (acknowledged, delivered) = read_lines(place.path());
    assert_eq!(
        check(&acknowledged, &delivered),
        Ok(()),
        "the restored queue delivers everything"
    );
}

#[test]
fn check_detects_lost_duplicate_and_misordered_lines() {
    let line = |number: u64| ("s".to_owned(), number);
    let acknowledged = [line(1), line(2), line(3)];
    assert_eq!(check(&acknowledged, &[1, 2, 3, 4].map(line)), Ok(()));
    for wrong in [vec![1, 2], vec![1, 2, 2, 3], vec![1, 3, 2], vec![2, 3]] {
        let delivered: Vec<_> = wrong.iter().copied().map(line).collect();
        assert!(check(&acknowledged, &delivered).is_err(), "{wrong:?}");
    }
}

/// A writer's stream, and the number in it.
type Line = (String, u64);

fn check(acknowledged: &[Line], delivered: &[Line]) -> Result<(), String> {
    let mut last: HashMap<&str, u64> = HashMap::new();
    for (stream, number) in delivered {
        let before = last.insert(stream, *number).unwrap_or(0);
        if *number != before + 1 {
            return Err(format!("{stream}: {number} after {before}"));
        }
    }
    match acknowledged.iter().find(|line| !delivered.contains(line)) {
        Some((stream, number)) => Err(format!("{stream}: {number} is lost")),
        None => Ok(()),
    }
}

fn read_lines(place: &Path) -> (Vec<Line>, Vec<Line>) {
    let acknowledged = fs::read_to_string(place.join("acknowledged")).unwrap();
    let acknowledged = acknowledged.lines().map(|line| {
        let (stream, number) = line.split_once(' ').unwrap();
        (stream.to_owned(), number.parse().unwrap())
    });
    let delivered = fs::read_to_string(place.join("audit.ndjson")).unwrap();
    let delivered = delivered.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (
            line["stream"]["id"].as_str().unwrap().to_owned(),
            line["stream"]["seq"].as_u64().unwrap(),
        )
    });
    (acknowledged.collect(), delivered.collect())
}

fn service(place: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "queue::tests::killed::works_until_it_is_killed"])
        .current_dir(place)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits for this many more acknowledgements, so that each kill comes at another point.
fn grown_beyond(lines: u64, place: &Path, service: &mut Child) {
    let count = || fs::read_to_string(place.join("acknowledged")).map_or(0, |text| text.lines().count() as u64);
    let (before, until) = (count(), Instant::now() + PATIENCE);
    while count() < before + lines {
        assert!(
            Instant::now() < until && service.try_wait().unwrap().is_none(),
            "the service does not progress"
        );
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn finish(place: &Path) {
    fs::write(place.join("finish"), "").unwrap();
    assert!(service(place).wait().unwrap().success());
    fs::remove_file(place.join("finish")).unwrap();
}

#[test]
#[ignore = "run by the tests above in a separate process"]
fn works_until_it_is_killed() {
    let place = fs::canonicalize(".").unwrap();
    let durability = match fs::read_to_string("durability").unwrap().as_str() {
        "each" => Durability::EachEntry,
        _ => Durability::Within(Duration::from_millis(20)),
    };
    let audit_queue = AuditQueue::open(AuditQueueSettings {
        destinations: vec![Box::new(FileDestination::new(place.join("audit.ndjson")))],
        durability,
        ..settings(&place.join("queue"), &[])
    })
    .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let writer = audit_queue.writer();
            scope.spawn(move || {
                let mut acknowledged = File::options().create(true).append(true).open("acknowledged").unwrap();
                loop {
                    let line = writer.write(&job_entry("work"));
                    acknowledged
                        .write_all(format!("{} {}\n", line.stream_id, line.seq).as_bytes())
                        .unwrap();
                    if fs::exists("finish").unwrap() {
                        return;
                    }
                }
            });
        }
    });
    assert!(
        audit_queue.flush(Until::Delivered, PATIENCE),
        "{:?}",
        audit_queue.health()
    );
}
