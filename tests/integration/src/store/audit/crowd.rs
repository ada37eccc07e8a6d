//! Many concurrent recorders and sequencers, each line delivered several times and in any order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use audit::line_schema::ParsedEntry;
use doubles::postgres::{connect, fresh_database};
use store::Store;

use super::sample::{ALL, at, entries, keyed_entry, line, minute, number, order, record, release};

const RECORDERS: u64 = 8;
const STREAMS: u8 = 6;
const LINES: u64 = 120;

/// A pseudo-random order, the same in every run.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for left in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(left, usize::try_from(state % (left as u64 + 1)).unwrap());
    }
}

/// All printed lines: six streams; every second line of the last one repeats an entry of the first.
fn printed() -> Vec<ParsedEntry> {
    let mut all: Vec<_> = (1..STREAMS).flat_map(|stream| entries(stream, 1..=LINES)).collect();
    all.extend((1..=LINES).map(|seq| {
        let key = if seq % 2 == 0 {
            format!("1/{seq}")
        } else {
            format!("{STREAMS}/{seq}")
        };
        keyed_entry(&key, Some(line(STREAMS, seq)))
    }));
    all
}

async fn sequence(store: &Store, busy: &AtomicUsize) {
    while busy.load(Ordering::Acquire) > 0 {
        release(store, at(1), 50).await;
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_recorders_and_sequencers_make_one_order() {
    let database = fresh_database().await;
    let recorders: Vec<_> = (0..RECORDERS).map(|number| (number, database.store())).collect();
    let sequencers = [database.store(), database.store()];
    let busy = AtomicUsize::new(recorders.len());
    let recording = recorders.iter().map(|(number, store)| {
        let busy = &busy;
        async move {
            // Half of the recorders receive each line.
            let mut lines = printed();
            shuffle(&mut lines, *number + 1);
            lines.truncate(lines.len() / 2);
            lines.extend(printed().into_iter().skip(usize::try_from(*number).unwrap()).step_by(8));
            for some in lines.chunks(37) {
                record(store, some.to_vec(), at(0)).await;
            }
            busy.fetch_sub(1, Ordering::Release);
        }
    });
    let sequencing = sequencers.iter().map(|store| sequence(store, &busy));
    futures::future::join(
        futures::future::join_all(recording),
        futures::future::join_all(sequencing),
    )
    .await;
    assert_eq!(minute(&sequencers[0], at(5000)).await.0, [], "nothing was lost");
    while release(&sequencers[0], at(2), ALL).await.lines > 0 {}

    let client = connect(&database.auditor_url).await;
    let order = order(&client).await;
    let place: HashMap<_, _> = order.iter().zip(1..).collect::<HashMap<_, i64>>();
    let expected: std::collections::HashSet<_> = printed().iter().map(|entry| entry.id).collect();
    assert_eq!((order.len(), place.len()), (expected.len(), expected.len()));
    assert!(expected.iter().all(|id| place.contains_key(id)));
    assert_eq!(number(&client, "SELECT count(*) FROM audit_pending").await, 0);
    // In each stream, by the line under which the entry is stored.
    let disorder = "
        SELECT count(*) FROM (
            SELECT position < lag(position) OVER (PARTITION BY stream_id ORDER BY stream_seq) AS back
            FROM audit_events JOIN audit_positions ON event_id = id) AS step WHERE back";
    assert_eq!(number(&client, disorder).await, 0);
}
