//! The command line on an audit log: formats, endings, exit codes, and guarantees for scripts and spreadsheets.

use std::process::{Command, Output, Stdio};

use doubles::postgres::{TestDatabase, fresh_database};
use serde_json::Value;

use crate::program::built;

use super::stored_log::{StoredLog, at, delivery, line, printed, put};

/// The operator's command, with an auditor's login.
pub(super) fn countersign(database: &TestDatabase, words: &[&str]) -> Output {
    command(database).args(words).output().unwrap()
}

fn command(database: &TestDatabase) -> Command {
    let mut command = Command::new(built("countersign"));
    command.env("DATABASE_URL", &database.auditor_url).stdin(Stdio::null());
    command
}

pub(super) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn every_entry_is_shown_and_counted() {
    let log = StoredLog::of(13_000..15_345).await;
    let all = countersign(&log.database, &["audit", "--oldest-first", "--format", "json"]);
    let printed: Vec<&str> = log.entries.iter().map(|entry| entry.line.as_str()).collect();
    assert_eq!(
        stdout(&all).lines().collect::<Vec<_>>(),
        printed,
        "the lines as printed"
    );
    assert_eq!((all.status.code(), stderr(&all).as_str()), (Some(0), "2345 entries\n"));

    let some = countersign(&log.database, &["audit", "--limit", "77", "--format", "json"]);
    assert_eq!(stdout(&some).lines().count(), 77);
    assert_eq!(stderr(&some), "77 entries; stopped at --limit, there may be more\n");

    let csv = countersign(&log.database, &["audit", "--oldest-first", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.stdout.as_slice());
    let place = reader
        .headers()
        .unwrap()
        .iter()
        .position(|head| head == "entry")
        .unwrap();
    let entries: Vec<String> = reader
        .records()
        .map(|record| record.unwrap()[place].to_owned())
        .collect();
    assert_eq!(entries, printed, "csv holds whole lines");

    let table = countersign(&log.database, &["audit"]);
    assert_eq!(
        stdout(&table).lines().count(),
        1 + 2_345,
        "a head, and one line per entry"
    );
}

#[tokio::test]
async fn closed_pipe_ends_the_search_silently() {
    let log = StoredLog::of(13_000..15_000).await;
    let mut child = command(&log.database)
        .args(["audit", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut pipe, &mut first).unwrap();
    assert_eq!(first.trim_end(), log.entries.last().unwrap().line);
    drop(pipe);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), stderr(&ended).as_str()), (Some(0), ""));
}

#[tokio::test]
async fn exit_codes_say_what_happened() {
    let log = StoredLog::of(13_000..13_010).await;
    let id = delivery(13_000).to_string();
    let cases: [(&[&str], i32, &str); 10] = [
        (&["audit", "--correlation", &id], 0, "entries"),
        (&["audit", "--action", "zulip."], 1, "0 entries"),
        (
            &["trace", "01999999-0000-7000-8000-000000000001"],
            1,
            "nothing found for",
        ),
        (&["audit", "--since", "yesterday"], 2, "a duration before now"),
        (&["audit", "--since", "1h", "--until", "2h"], 2, "is not before"),
        (&["audit", "--outcome", "failed"], 2, "a class of failure"),
        (&["audit", "--limit", "0"], 2, "--limit"),
        (&["audit", "--database-url", "mysql://localhost/x"], 2, "postgres"),
        (
            &[
                "audit",
                "--database-url",
                "postgres://unknown:hunter2@127.0.0.1:1/x?sslmode=disable",
            ],
            3,
            "",
        ),
        (&["audit", "import", "/nowhere/lines.json"], 4, "/nowhere/lines.json"),
    ];
    for (words, code, expected) in cases {
        let output = countersign(&log.database, words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{words:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
}

#[tokio::test]
async fn foreign_text_cannot_control_terminal_or_spreadsheet() {
    let database = fresh_database().await;
    let mut hostile = line(13_000, at("2026-03-02T00:00:00Z"));
    hostile["service"] = "=cmd|'/C'!A0".into();
    hostile["target"] = serde_json::json!({"resource_type": "queue", "id": "\u{1b}]0;gone\u{7}\u{202e}red\n"});
    put(&database.store(), vec![printed(&hostile)]).await;
    for words in [
        vec!["audit"],
        vec!["audit", "--color", "always"],
        vec!["trace", &delivery(13_000).to_string()],
    ] {
        let shown = stdout(&countersign(&database, &words));
        assert!(shown.contains("gone"), "{shown}");
        let without_colours = shown.replace("\u{1b}[", "");
        assert!(!without_colours.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
    }
    let csv = stdout(&countersign(&database, &["audit", "--format", "csv"]));
    assert!(csv.contains(",'=cmd|'/C'!A0,"), "{csv}");
    let json = stdout(&countersign(&database, &["audit", "--format", "json"]));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), hostile);
}

#[tokio::test]
async fn exported_lines_are_imported_once() {
    let (log, other) = (StoredLog::of(13_000..13_100).await, fresh_database().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.json");
    std::fs::write(&file, countersign(&log.database, &["audit", "--format", "json"]).stdout).unwrap();
    let import = || {
        let mut command = Command::new(built("countersign"));
        command
            .env("DATABASE_URL", &other.app_url)
            .args(["audit", "import"])
            .arg(&file);
        command.output().unwrap()
    };
    for counts in ["100 new, 0 already stored", "0 new, 100 already stored"] {
        let done = import();
        assert_eq!(done.status.code(), Some(0));
        assert!(stderr(&done).contains(counts), "{}", stderr(&done));
    }
    let imported = countersign(&other, &["audit", "--oldest-first", "--format", "json"]);
    let printed: Vec<&str> = log.entries.iter().map(|entry| entry.line.as_str()).collect();
    assert_eq!(stdout(&imported).lines().collect::<Vec<_>>(), printed);
}
