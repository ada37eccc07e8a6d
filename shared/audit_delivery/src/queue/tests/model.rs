//! The queue against a model: for any sequence of writes, syncs, deliveries and power cuts, nothing that was on disk is lost or
//! doubled, and the order is kept.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::SystemClock;
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use crate::queue::cursor::Cursor;
use crate::queue::directory::Directory;
use crate::queue::health::Receiver;
use crate::queue::reader::Reader;
use crate::queue::recovery::recover;
use crate::queue::state::Queue;
use crate::queue::{Durability, Limits, OnFull, Until};

#[derive(Debug, Clone)]
enum Step {
    Put {
        length: usize,
    },
    Begin,
    End,
    Sync,
    Deliver {
        acknowledged: bool,
    },
    /// Power cut: the disk has `kept` per mille of the unsynced bytes, and perhaps a hole where a page was not written.
    PowerCut {
        kept: u64,
        hole: Option<u64>,
    },
    /// The process dies; the kernel writes everything.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_usize..400).prop_map(|length| Step::Put { length }),
        2 => Just(Step::Begin),
        1 => Just(Step::End),
        3 => Just(Step::Sync),
        4 => any::<bool>().prop_map(|acknowledged| Step::Deliver { acknowledged }),
        2 => (0_u64..=1000, proptest::option::of(0_u64..1000)).prop_map(|(kept, hole)| Step::PowerCut { kept, hole }),
        1 => Just(Step::Kill),
    ]
}

/// The queue and its expected content.
struct World<'a> {
    place: &'a Path,
    queue: Queue,
    cursor: Cursor,
    reader: Reader,
    /// Entries by position, from 1.
    written: Vec<Uuid>,
    delivered: Vec<Uuid>,
    /// Calls announced, not ended, and on disk; then those that may not be.
    begun: Vec<Uuid>,
    unsynced: Vec<Uuid>,
}

fn open(place: &Path) -> Result<(Queue, Cursor), String> {
    let directory = Directory::open(place).map_err(|error| error.to_string())?;
    let mut recovered = recover(&directory).map_err(|error| error.to_string())?;
    let cursor = match recovered.cursors.pop() {
        Some((_, cursor)) => cursor,
        None => Cursor::create(&directory, "model", 0).map_err(|error| error.to_string())?,
    };
    let receiver = Receiver {
        name: "model".to_owned(),
        configured: true,
        delivered: cursor.delivered,
        refused: 0,
        failing_since: None,
        last_error: None,
    };
    let limits = Limits {
        segment_bytes: 1500,
        batch_entries: 5,
        batch_bytes: 700,
        ..Limits::default()
    };
    let policy = (Durability::Within(Duration::from_hours(1)), OnFull::Block, limits);
    Ok((
        Queue::new(directory, recovered, vec![receiver], policy, Arc::new(SystemClock)),
        cursor,
    ))
}

/// Runs the steps; `cheat`: a power cut also removes synced bytes. Returns the first mismatch.
fn run(steps: &[Step], cheat: bool) -> Result<(), String> {
    // The model simulates what a crash does to the disk: a file system in memory is equivalent and faster.
    let place = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let (queue, cursor) = open(place.path())?;
    let mut world = World {
        place: place.path(),
        queue,
        cursor,
        reader: Reader::default(),
        written: Vec::new(),
        delivered: Vec::new(),
        begun: Vec::new(),
        unsynced: Vec::new(),
    };
    for step in steps {
        world = world.step(step, cheat)?;
    }
    world.sync()?;
    while world.cursor.delivered < world.written.len() as u64 {
        world.deliver(true)?;
    }
    same("delivered", &world.delivered, &world.written)
}

fn same(what: &str, found: &[Uuid], expected: &[Uuid]) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {expected:?}"))
    }
}

impl World<'_> {
    fn step(mut self, step: &Step, cheat: bool) -> Result<Self, String> {
        match step {
            Step::Put { length } => {
                let id = Uuid::now_v7();
                self.put("audit", id, *length);
                self.written.push(id);
            }
            Step::Begin => {
                let id = Uuid::now_v7();
                self.put("audit_intent", id, 10);
                self.unsynced.push(id);
            }
            Step::End => {
                if let Some(id) = self.begun.pop() {
                    self.put("audit", id, 10);
                    self.written.push(id);
                    // Open or not after a power cut: both are correct.
                    self.unsynced.push(id);
                }
            }
            Step::Sync => self.sync()?,
            Step::Deliver { acknowledged } => self.deliver(*acknowledged)?,
            Step::Kill => return self.crash(1000, None, cheat),
            Step::PowerCut { kept, hole } => return self.crash(*kept, *hole, cheat),
        }
        Ok(self)
    }

    fn put(&self, event_type: &str, id: Uuid, length: usize) {
        let line = serde_json::json!({"event_type": event_type, "id": id, "pad": "x".repeat(length)});
        self.queue.put(format!("{line}\n").as_bytes());
    }

    fn sync(&mut self) -> Result<(), String> {
        if !self
            .queue
            .flush(Until::Durable, Instant::now() + Duration::from_secs(20))
        {
            return Err("the disk accepts nothing".to_owned());
        }
        let open = &self.queue.lock().open;
        self.begun
            .extend(self.unsynced.drain(..).filter(|id| open.contains_key(id)));
        Ok(())
    }

    fn deliver(&mut self, acknowledged: bool) -> Result<(), String> {
        let after = self.cursor.delivered;
        let batch = self
            .reader
            .batch(&self.queue, after)
            .map_err(|error| error.to_string())?;
        let from = usize::try_from(after).unwrap();
        let positions: Vec<u64> = batch.iter().map(|entry| entry.position).collect();
        if positions != (after + 1..).take(batch.len()).collect::<Vec<_>>() {
            return Err(format!("positions {positions:?} after {after}"));
        }
        let ids: Vec<Uuid> = batch.iter().map(|entry| entry.id).collect();
        same(
            "read",
            &ids,
            self.written.get(from..from + ids.len()).unwrap_or_default(),
        )?;
        if acknowledged && let Some(last) = batch.last() {
            self.cursor.advance(last.position, 0).unwrap();
            self.delivered.extend(ids);
            self.queue.lock().receivers[0].delivered = last.position;
            self.queue.remove_delivered();
        }
        Ok(())
    }

    fn crash(mut self, kept: u64, hole: Option<u64>, cheat: bool) -> Result<Self, String> {
        let (synced, durable, path) = {
            let state = self.queue.lock();
            (state.active().length, state.durable(), state.active().path.clone())
        };
        drop(self.queue);
        let file = File::options().write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        let unsynced = (length - synced) * (1000 - kept) / 1000;
        file.set_len(if cheat {
            synced.saturating_sub(40)
        } else {
            length - unsynced
        })
        .unwrap();
        if let (Some(hole), false) = (hole, cheat) {
            let at = synced + (length - unsynced - synced) * hole / 1000;
            let zeros = vec![0; usize::try_from((length - unsynced - at).min(64)).unwrap()];
            file.write_all_at(&zeros, at).unwrap();
        }
        let (queue, cursor) = open(self.place)?;
        (self.queue, self.cursor, self.reader) = (queue, cursor, Reader::default());
        let last = self.queue.lock().position;
        let everything = unsynced == 0 && hole.is_none() && !cheat;
        let required = if everything { self.written.len() as u64 } else { durable };
        if last < required || last > self.written.len() as u64 {
            return Err(format!(
                "{last} entries after the crash, expected {required} to {}",
                self.written.len()
            ));
        }
        self.written.truncate(usize::try_from(last).unwrap());
        if self.cursor.delivered != self.delivered.len() as u64 {
            return Err(format!("the cursor is at {}", self.cursor.delivered));
        }
        let open: Vec<Uuid> = self.queue.lock().open.keys().copied().collect();
        if let Some(lost) = self.begun.iter().find(|id| !open.contains(id)) {
            return Err(format!("the announcement {lost} is lost"));
        }
        self.begun
            .extend(self.unsynced.drain(..).filter(|id| open.contains(id)));
        Ok(self)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_crash_loses_or_duplicates_durable_entries(steps in vec(step(), 1..60)) {
        prop_assert_eq!(run(&steps, false), Ok(()));
    }
}

#[test]
fn model_detects_a_disk_losing_synced_data() {
    let cut = Step::PowerCut { kept: 1000, hole: None };
    let steps = [Step::Put { length: 9 }, Step::Put { length: 9 }, Step::Sync, cut];
    assert_eq!(run(&steps, false), Ok(()));
    let seen = run(&steps, true).unwrap_err();
    assert!(seen.contains("1 entries after the crash, expected 2 to 2"), "{seen}");
}
