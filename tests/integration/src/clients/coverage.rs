//! Every call of every client, with success and each failure class of its target: checks its audit entries, and that the audit log
//! matches exactly what the other side received.

mod aws;
mod connectors;
mod http;
mod received;
mod rows;
mod seen;
mod ways;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use audit::{Action, FailureClass};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use received::Counts;
use rows::rows;
use seen::Seen;
use ways::{Script, Way};

/// Concurrent runs: few enough for calls with short timeouts to be served in time.
const CONCURRENT_RUNS: usize = 8;

/// One call of a client.
struct Row {
    action: Action,
    /// The target of its entries, where it is called at this `host:port`.
    target: fn(&str) -> Value,
    /// The ways in which it can end.
    ways: Vec<Way>,
    /// The same for transient failures: the client decides how often to retry and how it ends.
    passing: Vec<Way>,
    run: Box<dyn Fn(Script) -> BoxFuture<'static, Seen>>,
}

/// Every action of a call.
fn calls() -> BTreeSet<&'static str> {
    Action::CALLS.iter().map(|action| action.as_str()).collect()
}

/// Runs these ways of each row, and returns each with what was seen.
async fn run_all(rows: &[Row], ways: fn(&Row) -> &[Way], check: impl Fn(&Row, &Way, &Seen)) {
    let runs = rows.iter().flat_map(|row| ways(row).iter().map(move |way| (row, way)));
    let runs = runs.map(|(row, way)| async move { (row, way, (row.run)(way.script.clone()).await) });
    let mut ended = futures::stream::iter(runs).buffer_unordered(CONCURRENT_RUNS);
    while let Some((row, way, seen)) = ended.next().await {
        check(row, way, &seen);
    }
}

#[tokio::test]
async fn every_call_leaves_its_entry_however_it_ends() {
    run_all(
        &rows(),
        |row| &row.ways,
        |row, way, seen| {
            let case = format!("{} {}", row.action, way.name);
            seen.is_well_formed(&case);
            let entries = seen.entries_of(row.action);
            assert!(!entries.is_empty(), "{case}: no entry");
            let (outcome, error) = match way.class {
                None => ("success", Value::Null),
                Some(class) => ("failure", class.as_str().into()),
            };
            for entry in entries {
                assert_eq!(
                    (&entry["outcome"], &entry["error"]),
                    (&outcome.into(), &error),
                    "{case}: {entry:#}"
                );
                assert_eq!(entry["target"], (row.target)(&seen.address), "{case}");
            }
            seen.agrees(&case);
        },
    )
    .await;
}

#[tokio::test]
async fn received_calls_equal_audited_calls_even_with_retries() {
    let (rows, both) = (rows(), RefCell::new((Counts::new(), Counts::new())));
    let count = |row: &Row, way: &Way, seen: &Seen| {
        let case = format!("{} {}", row.action, way.name);
        seen.is_well_formed(&case);
        seen.agrees(&case);
        let (received, audited) = &mut *both.borrow_mut();
        received::add(received, &seen.received());
        received::add(audited, &seen.audited());
    };
    run_all(&rows, |row| &row.ways[..1], count).await;
    run_all(&rows, |row| &row.passing, count).await;
    let (received, audited) = both.into_inner();
    assert_eq!(received, audited);
    let made: BTreeSet<&str> = audited.keys().copied().collect();
    assert_eq!(
        made,
        calls(),
        "each call was made, and nothing else is in the audit log"
    );
}

#[tokio::test]
async fn comparison_detects_missing_entry_and_missing_call() {
    let rows = rows();
    let row = rows.iter().find(|row| row.action == Action::SlackPostMessage).unwrap();
    let entry_without_call = Seen {
        requests: Counts::new(),
        ..(row.run)(Script::Well).await
    };
    let call_without_entry = (row.run)(Script::Well).await;
    assert!(call_without_entry.comparison().is_ok());
    assert_eq!(
        call_without_entry.lines.take().len(),
        2,
        "the announcement and the entry"
    );
    for seen in [entry_without_call, call_without_entry] {
        assert!(seen.comparison().unwrap_err().contains("slack.api.post_message"));
    }
}

#[test]
fn every_call_action_is_driven_by_a_row() {
    let driven: BTreeSet<&str> = rows().iter().map(|row| row.action.as_str()).collect();
    let known: BTreeSet<&str> = Action::CALLS.iter().map(|action| action.as_str()).collect();
    assert_eq!(
        driven, known,
        "each action of a call needs a row here, and each row an action"
    );
}

#[test]
fn every_possible_failure_class_is_driven_per_target() {
    let mut driven = BTreeMap::<&str, BTreeSet<&str>>::new();
    for row in rows() {
        assert!(row.ways[0].class.is_none(), "{}: the first way is success", row.action);
        let classes = row.ways.iter().filter_map(|way| way.class).map(FailureClass::as_str);
        driven.entry(row.action.as_str()).or_default().extend(classes);
    }
    for (action, classes) in driven {
        let possible: BTreeSet<&str> = match action {
            // Syslog has no answers, only a connection, its end, or silence.
            "siem.syslog.send_events" => ["network_error", "timeout", "invalid_response"].into(),
            _ => FailureClass::ALL.map(FailureClass::as_str).into(),
        };
        assert_eq!(classes, possible, "{action}");
    }
}
