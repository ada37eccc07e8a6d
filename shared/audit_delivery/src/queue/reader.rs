//! Reads the queue for one destination, in batches: the entries after its cursor that are on disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use uuid::Uuid;

use super::record::{QueueRecord, RecordKind, UnreadableRecord};
use super::segment::{HEADER, Segment};
use super::state::Queue;
use super::{AuditQueueError, Limits};
use crate::destination::Outgoing;

/// An entry read from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredEntry {
    pub(super) position: u64,
    pub(super) id: Uuid,
    pub(super) line: String,
}

impl StoredEntry {
    pub(super) fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            position: self.position,
            id: self.id,
            line: &self.line,
        }
    }
}

/// The read position of a destination.
#[derive(Debug, Default)]
pub(super) struct Reader {
    place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    number: u64,
    path: PathBuf,
    file: File,
    offset: u64,
    /// The position of the entry at `offset`, or of the next one after it.
    next: u64,
}

impl Reader {
    /// Entries after `after`, from one segment; empty if nothing follows on disk.
    pub(super) fn batch(&mut self, queue: &Queue, after: u64) -> Result<Vec<StoredEntry>, AuditQueueError> {
        let mut batch = Batch::new(queue.limits);
        if let Some((segment, length)) = segment(queue, after) {
            let place = match self.place.take() {
                Some(place) if place.number == segment.number && place.next <= after + 1 => place,
                _ => Place::open(segment)?,
            };
            let place = self.place.insert(place);
            place.read(&mut batch, after, length)?;
            if batch.entries.is_empty() {
                return Err(place.damaged("the segment ends before its last entry"));
            }
        }
        Ok(batch.entries)
    }
}

/// The segment with the entry after `after`, and how much of it is on disk.
fn segment(queue: &Queue, after: u64) -> Option<(Segment, u64)> {
    let state = queue.lock();
    let segment = state.segments.iter().find(|segment| segment.last > after)?;
    Some((segment.clone(), segment.length))
}

impl Place {
    fn open(segment: Segment) -> Result<Self, AuditQueueError> {
        let file = File::open(&segment.path).map_err(AuditQueueError::io("open", &segment.path))?;
        Ok(Self {
            number: segment.number,
            path: segment.path,
            file,
            offset: HEADER,
            next: segment.first,
        })
    }

    /// Continues up to `length` or until the batch is full, skipping entries up to `after`.
    fn read(&mut self, batch: &mut Batch, after: u64, length: u64) -> Result<(), AuditQueueError> {
        let mut wanted = batch.limits.batch_bytes;
        while self.offset < length {
            let mut bytes = vec![0; wanted.min(left(length, self.offset))];
            let read: io::Result<()> = self.file.read_exact_at(&mut bytes, self.offset);
            read.map_err(AuditQueueError::io("read", &self.path))?;
            let mut rest = &bytes[..];
            loop {
                let (record, size) = match QueueRecord::read(rest) {
                    Ok(read) => read,
                    // Cut off by the end of the chunk, not of the segment: the next chunk begins here, and is long enough.
                    Err(UnreadableRecord::Short(needed))
                        if rest.len() < needed && needed <= left(length, self.offset) =>
                    {
                        wanted = wanted.max(needed);
                        break;
                    }
                    Err(UnreadableRecord::Short(_)) => return Err(self.damaged("the record is incomplete")),
                    Err(UnreadableRecord::Damaged(reason)) => return Err(self.damaged(reason)),
                };
                if record.kind == RecordKind::Entry {
                    if record.position != self.next {
                        return Err(self.damaged("the position does not follow the one before"));
                    }
                    if record.position > after && !batch.add(&record) {
                        return Ok(());
                    }
                    self.next += 1;
                }
                self.offset += u64::try_from(size).unwrap_or(u64::MAX);
                rest = &rest[size..];
                if rest.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn damaged(&self, reason: &str) -> AuditQueueError {
        AuditQueueError::damaged(&self.path, self.offset, reason)
    }
}

fn left(length: u64, offset: u64) -> usize {
    usize::try_from(length - offset).unwrap_or(usize::MAX)
}

struct Batch {
    limits: Limits,
    entries: Vec<StoredEntry>,
    bytes: usize,
}

impl Batch {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: Vec::new(),
            bytes: 0,
        }
    }

    /// `false`: the batch is full. The first entry always fits.
    fn add(&mut self, record: &QueueRecord<'_>) -> bool {
        let bytes = self.bytes.saturating_add(record.line.len());
        let full = self.entries.len() >= self.limits.batch_entries || bytes > self.limits.batch_bytes;
        if full && !self.entries.is_empty() {
            return false;
        }
        self.bytes = bytes;
        self.entries.push(StoredEntry {
            position: record.position,
            id: record.id,
            line: record.line.to_owned(),
        });
        true
    }
}
