//! Recovery of a directory when it is opened: every record is read and checked, and a torn end is cut off.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::Path;

use uuid::Uuid;

use super::AuditQueueError;
use super::cursor::{self, Cursor};
use super::directory::Directory;
use super::health::Cut;
use super::open_calls::{self, OpenCall};
use super::record::RecordKind;
use super::segment::{self, Segment};
use audit::Action;

/// The directory as found.
#[derive(Debug)]
pub(super) struct Recovered {
    /// Oldest first; never empty.
    pub(super) segments: Vec<Segment>,
    /// The last of them.
    pub(super) file: File,
    pub(super) open: HashMap<Uuid, OpenCall>,
    pub(super) cursors: Vec<(String, Cursor)>,
    pub(super) cut: Option<Cut>,
}

/// Reads the directory; creates the first segment if it is new.
pub(super) fn recover(directory: &Directory) -> Result<Recovered, AuditQueueError> {
    let mut cursors = Vec::new();
    for (name, path) in directory.list(cursor::PREFIX, "")? {
        cursors.push((name, Cursor::open(&path)?));
    }
    let mut found = Found::default();
    let files = directory.list("", segment::SUFFIX)?;
    for (number, (_, path)) in files.iter().enumerate() {
        found.read(path, number + 1 == files.len())?;
    }
    let file = if let Some(last) = found.segments.last() {
        let opened = File::options().read(true).write(true).open(&last.path);
        opened.map_err(AuditQueueError::io("open", &last.path))?
    } else {
        let created = segment::create(directory, 1, 1);
        let (segment, file) = created.map_err(AuditQueueError::io("create a segment in", directory.path()))?;
        found.segments.push(segment);
        file
    };
    found.cut_off(&file)?;
    open_calls::without_reported(&mut found.open, &found.reported);
    // What a killed process wrote is in the file but perhaps not on disk; from here on it counts as durable.
    file.sync_data()
        .map_err(AuditQueueError::io("sync", directory.path()))?;
    let recovered = Recovered {
        segments: found.segments,
        file,
        open: found.open,
        cursors,
        cut: found.cut,
    };
    recovered.check_cursors(directory)?;
    Ok(recovered)
}

#[derive(Default)]
struct Found {
    segments: Vec<Segment>,
    open: HashMap<Uuid, OpenCall>,
    /// Ids of entries that report a call as open.
    reported: HashSet<Uuid>,
    cut: Option<Cut>,
}

impl Found {
    fn read(&mut self, path: &Path, is_last: bool) -> Result<(), AuditQueueError> {
        // 1. It must continue the segment before it.
        let bytes = fs::read(path).map_err(AuditQueueError::io("read", path))?;
        let (number, first) = segment::header(&bytes)
            .ok_or_else(|| AuditQueueError::damaged(path, 0, "the segment header is invalid"))?;
        if let Some(before) = self.segments.last()
            && (number, first) != (before.number + 1, before.last + 1)
        {
            let reason = format!(
                "it begins with position {first}, but {} ends with {}: a segment between them is missing",
                before.path.display(),
                before.last
            );
            return Err(AuditQueueError::damaged(path, 0, reason));
        }
        // 2. Its records: open calls, and reports of open calls.
        let walk = segment::walk(&bytes, first, |record| match record.kind {
            RecordKind::Entry => {
                self.open.remove(&record.id);
                if record.line.contains(Action::AuditIntentOpen.as_str()) {
                    self.reported.insert(record.id);
                }
            }
            RecordKind::Intent => {
                let (segment, line) = (number, record.line.to_owned());
                self.open.insert(record.id, OpenCall { segment, line });
            }
        });
        // 3. Only the last segment may have an unreadable end, and only one that was never confirmed.
        let [end, length] = [walk.end, bytes.len()].map(|at| u64::try_from(at).unwrap_or(u64::MAX));
        if let Some(reason) = walk.stopped {
            if !is_last || segment::was_on_the_disk(&bytes, walk.end) {
                return Err(AuditQueueError::damaged(path, end, reason));
            }
            self.cut = Some(Cut {
                file: path.to_owned(),
                offset: end,
                bytes: length - end,
            });
        }
        self.segments.push(Segment {
            number,
            path: path.to_owned(),
            first,
            last: walk.last,
            length: end,
            needed_until: 0,
        });
        Ok(())
    }

    fn cut_off(&self, file: &File) -> Result<(), AuditQueueError> {
        match &self.cut {
            Some(cut) => file
                .set_len(cut.offset)
                .map_err(AuditQueueError::io("shorten", &cut.file)),
            None => Ok(()),
        }
    }
}

impl Recovered {
    /// Position of the last entry.
    pub(super) fn last(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.last)
    }

    /// Position before the oldest remaining entry.
    pub(super) fn before_oldest(&self) -> u64 {
        self.segments
            .first()
            .map_or(0, |segment| segment.first.saturating_sub(1))
    }

    /// Destinations only see what is on disk: a cursor outside that range means that entries were lost.
    fn check_cursors(&self, directory: &Directory) -> Result<(), AuditQueueError> {
        let (before, last) = (self.before_oldest(), self.last());
        for (name, cursor) in &self.cursors {
            if !(before..=last).contains(&cursor.delivered) {
                let reason = format!(
                    "position {} is recorded as delivered, but the segments contain {} to {last}",
                    cursor.delivered,
                    before + 1
                );
                let path = directory.path().join(format!("{}{name}", cursor::PREFIX));
                return Err(AuditQueueError::damaged(&path, 0, reason));
            }
        }
        Ok(())
    }
}
