//! A segment: one append-only file of the queue, named by its number; its header has the position of its first entry.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::directory::Directory;
use super::record::{QueueRecord, RecordKind, UnreadableRecord, take};

/// Begins every segment; the digit is the version of the format.
const MAGIC: [u8; 8] = *b"AUDITSG1";
/// Magic, number, first position, CRC-32 of these.
pub(super) const HEADER: u64 = 28;
pub(super) const SUFFIX: &str = ".segment";

/// A segment as the queue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    /// Position of its first entry, even if that does not exist yet.
    pub(super) first: u64,
    /// Position of its last entry on disk; `first - 1`: none.
    pub(super) last: u64,
    /// Its bytes on disk.
    pub(super) length: u64,
    /// It may be removed only when this many records are on disk, which include the announcements copied from it.
    pub(super) needed_until: u64,
}

/// Creates an empty segment.
pub(super) fn create(directory: &Directory, number: u64, first: u64) -> io::Result<(Segment, File)> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&number.to_le_bytes());
    header.extend_from_slice(&first.to_le_bytes());
    header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
    let name = format!("{number:012}{SUFFIX}");
    let file = directory.create(&name, &header)?;
    let segment = Segment {
        number,
        path: directory.path().join(name),
        first,
        last: first.saturating_sub(1),
        length: HEADER,
        needed_until: 0,
    };
    Ok((segment, file))
}

/// Number and first position in a segment's header.
pub(super) fn header(bytes: &[u8]) -> Option<(u64, u64)> {
    let (covered, _) = take::<24>(bytes)?;
    let (magic, rest) = take::<8>(bytes)?;
    let (number, rest) = take::<8>(rest)?;
    let (first, rest) = take::<8>(rest)?;
    let (sum, _) = take::<4>(rest)?;
    let is_valid = magic == MAGIC && crc32fast::hash(&covered) == u32::from_le_bytes(sum);
    is_valid.then(|| (u64::from_le_bytes(number), u64::from_le_bytes(first)))
}

/// How far a segment can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walk {
    /// Position of the last entry read.
    pub(super) last: u64,
    /// Where the last record read ends.
    pub(super) end: usize,
    /// Why the rest cannot be read, if there is a rest.
    pub(super) stopped: Option<&'static str>,
}

/// Passes every record of a segment with first position `first` to `seen`, until the end or the first unreadable one.
pub(super) fn walk<'a>(bytes: &'a [u8], first: u64, mut seen: impl FnMut(&QueueRecord<'a>)) -> Walk {
    let start = usize::try_from(HEADER).unwrap_or(usize::MAX);
    let mut walk = Walk {
        last: first.saturating_sub(1),
        end: start,
        stopped: None,
    };
    while let Some(rest) = bytes.get(walk.end..).filter(|rest| !rest.is_empty()) {
        let (record, length) = match QueueRecord::read(rest) {
            Ok(read) => read,
            Err(UnreadableRecord::Short(_)) => {
                return Walk {
                    stopped: Some("the record is incomplete"),
                    ..walk
                };
            }
            Err(UnreadableRecord::Damaged(reason)) => {
                return Walk {
                    stopped: Some(reason),
                    ..walk
                };
            }
        };
        let expected = match record.kind {
            RecordKind::Entry => walk.last + 1,
            RecordKind::Intent => walk.last,
        };
        if record.position != expected {
            return Walk {
                stopped: Some("the position does not follow the one before"),
                ..walk
            };
        }
        seen(&record);
        walk.last = expected;
        walk.end += length;
    }
    walk
}

/// Whether a record after `offset` states that the byte at `offset` was on disk when it was written: then an unreadable record there
/// is damage. Otherwise it was not yet on disk at the power cut, and no write had confirmed it.
pub(super) fn was_on_the_disk(bytes: &[u8], offset: usize) -> bool {
    let later = bytes.get(offset + 1..).unwrap_or_default();
    (0..later.len()).any(|at| match QueueRecord::read(&later[at..]) {
        Ok((record, _)) => usize::try_from(record.synced).is_ok_and(|synced| synced > offset),
        Err(_) => false,
    })
}
