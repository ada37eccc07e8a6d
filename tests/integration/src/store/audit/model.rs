//! The sequencer against its model: lines in any batches, repeated, out of order, lost or late, between its runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};

use audit::line_schema::ParsedEntry;
use doubles::postgres::{connect, fresh_database};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::Store;
use tokio_postgres::Client;
use uuid::Uuid;

use super::sample::{at, keyed_entry, line, minute, number, order, record, release, stream_entry};

/// Steps in sequence.
#[derive(Debug, Clone)]
enum Step {
    /// A recorder receives these lines, by their index among the printed ones.
    Record(Vec<usize>),
    /// The sequencer runs.
    Release(i64),
    /// The minute's run, when all waiting lines have waited long enough.
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => proptest::collection::vec(0..LINES, 1..8).prop_map(Step::Record),
        3 => (1..12_i64).prop_map(Step::Release),
        1 => Just(Step::Wait),
    ];
    proptest::collection::vec(step, 1..30)
}

const LINES: usize = 26;

/// Two streams of eight lines, one of eight that repeats the first, and two lines without a stream.
fn printed(case: i64) -> Vec<ParsedEntry> {
    let stream = |number: u8| {
        let mut line = line(number, 1);
        line.stream_id = audit::entry_id(at(case), &number.to_string());
        line
    };
    let on = |number, seq, key: String| {
        let mut line = stream(number);
        line.seq = seq;
        keyed_entry(&format!("{case}/{key}"), Some(line))
    };
    let mut lines = Vec::new();
    for seq in 1..=8 {
        lines.push(on(1, seq, format!("1/{seq}")));
        lines.push(on(2, seq, format!("2/{seq}")));
        let again = if seq % 2 == 0 {
            format!("1/{}", 9 - seq)
        } else {
            format!("3/{seq}")
        };
        lines.push(on(3, seq, again));
    }
    lines.push(keyed_entry(&format!("{case}/none/1"), None));
    lines.push(keyed_entry(&format!("{case}/none/2"), None));
    lines
}

type Line = (Uuid, u64);

#[derive(Default)]
struct Model {
    known: BTreeSet<Uuid>,
    /// In order of arrival: the entry that waits for its position, if any, and the line.
    pending: Vec<(Option<Uuid>, Option<Line>)>,
    accounted: BTreeMap<Uuid, u64>,
    missing: BTreeSet<Line>,
    order: Vec<Uuid>,
}

impl Model {
    fn record(&mut self, mut batch: Vec<ParsedEntry>) {
        let place = |entry: &ParsedEntry| entry.stream.map(|line| (line.stream_id, line.seq));
        batch.sort_by_key(|entry| (entry.id, place(entry)));
        let mut again = BTreeSet::new();
        for entry in &batch {
            if self.known.insert(entry.id) {
                self.pending.push((Some(entry.id), place(entry)));
            } else {
                again.extend(place(entry));
            }
        }
        for line in again {
            let waits = self.pending.iter().any(|(_, pending)| *pending == Some(line));
            let accounted = line.1 <= self.up_to(line.0) && !self.missing.contains(&line);
            if !waits && !accounted {
                self.pending.push((None, Some(line)));
            }
        }
    }

    fn up_to(&self, stream: Uuid) -> u64 {
        self.accounted.get(&stream).copied().unwrap_or(0)
    }

    fn seqs(&self, stream: Uuid) -> BTreeMap<u64, usize> {
        let lines = self.pending.iter().enumerate();
        lines
            .filter_map(|(turn, (_, line))| line.filter(|line| line.0 == stream).map(|line| (line.1, turn)))
            .collect()
    }

    fn release(&mut self, limit: usize) {
        let streams: BTreeSet<Uuid> = self.pending.iter().filter_map(|(_, line)| Some((*line)?.0)).collect();
        let mut ready: Vec<(usize, u64, usize)> = (0..self.pending.len())
            .filter(|turn| self.pending[*turn].1.is_none())
            .map(|turn| (turn, 0, turn))
            .collect();
        for stream in streams {
            let (mut next, mut latest) = (self.up_to(stream) + 1, 0);
            for (seq, turn) in self.seqs(stream) {
                if seq > next {
                    break;
                }
                next = next.max(seq + 1);
                latest = latest.max(turn);
                ready.push((latest, seq, turn));
            }
        }
        ready.sort_unstable();
        ready.truncate(limit);
        for (_, _, turn) in &ready {
            let (entry, line) = self.pending[*turn];
            self.order.extend(entry);
            if let Some(line) = line {
                self.missing.remove(&line);
                let up_to = self.accounted.entry(line.0).or_default();
                *up_to = line.1.max(*up_to);
            }
        }
        let gone: BTreeSet<usize> = ready.iter().map(|(_, _, turn)| *turn).collect();
        let mut turn = 0..;
        self.pending.retain(|_| !gone.contains(&turn.next().unwrap()));
    }

    fn wait(&mut self) {
        let streams: BTreeSet<Uuid> = self.pending.iter().filter_map(|(_, line)| Some((*line)?.0)).collect();
        for stream in streams {
            let arrived = self.seqs(stream);
            let newest = arrived.keys().last().copied().unwrap_or(0);
            let first = self.up_to(stream) + 1;
            let missing: Vec<_> = (first..=newest)
                .filter(|seq| !arrived.contains_key(seq))
                .map(|seq| (stream, seq))
                .collect();
            if let Some((_, seq)) = missing.last() {
                self.accounted.insert(stream, *seq);
            }
            self.missing.extend(missing);
        }
        self.release(usize::MAX);
    }
}

async fn play(store: &Store, client: &Client, case: i64, steps: &[Step]) -> Result<(), TestCaseError> {
    let lines = printed(case);
    assert_eq!(lines.len(), LINES);
    let before = order(client).await.len();
    // Lines left waiting by an earlier case must not move in this one.
    let held = number(client, "SELECT count(*) FROM audit_pending").await;
    assert_eq!(held, 0);
    let mut model = Model::default();
    for (second, step) in (0..).zip(steps) {
        match step {
            Step::Record(places) => {
                let batch: Vec<_> = places.iter().map(|place| lines[*place].clone()).collect();
                record(store, batch.clone(), at(second)).await;
                model.record(batch);
            }
            Step::Release(limit) => {
                release(store, at(second), *limit).await;
                model.release(usize::try_from(*limit).unwrap());
            }
            Step::Wait => {
                minute(store, at(2000)).await;
                model.wait();
            }
        }
        let waiting = number(client, "SELECT count(*) FROM audit_pending").await;
        prop_assert_eq!(
            waiting,
            i64::try_from(model.pending.len()).unwrap(),
            "waiting after {:?}",
            step
        );
    }
    minute(store, at(5000)).await;
    model.wait();
    let found = order(client).await.split_off(before);
    prop_assert_eq!(&found, &model.order);
    prop_assert_eq!(found.len(), model.known.len(), "everything recorded has its position");

    let streams: Vec<Uuid> = lines.iter().filter_map(|line| Some(line.stream?.stream_id)).collect();
    let missing = "SELECT coalesce(sum(missing), 0)::bigint FROM audit_gaps WHERE stream_id = ANY ($1)";
    let params = [(&streams as _, tokio_postgres::types::Type::UUID_ARRAY)];
    let missing: i64 = client.query_typed_one(missing, &params).await.unwrap().get(0);
    prop_assert_eq!(missing, i64::try_from(model.missing.len()).unwrap());
    Ok(())
}

#[test]
fn any_arrival_gives_the_positions_of_the_model() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, client) = runtime.block_on(async {
        let database = fresh_database().await;
        let client = connect(&database.auditor_url).await;
        (database, client)
    });
    let store = database.store();
    let case = AtomicI64::new(0);
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&steps(), |steps| {
        let case = case.fetch_add(1, Ordering::Relaxed);
        runtime.block_on(play(&store, &client, case, &steps))
    });
    result.unwrap();
}

/// The comparison above can fail: a run that needs a rule detects a model without it.
#[tokio::test]
async fn a_line_of_another_order_would_be_seen() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let mut model = Model::default();
    let batch = vec![stream_entry(1, 2), stream_entry(1, 1)];
    record(&store, batch.clone(), at(0)).await;
    release(&store, at(1), 10).await;
    model.record(batch);
    model.release(1);
    assert_ne!(order(&client).await, model.order);
    model.release(1);
    assert_eq!(order(&client).await, model.order);
}
