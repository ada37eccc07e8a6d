//! Entries that a destination permanently rejects: kept in `undelivered.ndjson` with the reason, for an operator.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::AuditQueueError;
use super::reader::StoredEntry;
use audit::FailureClass;

pub(super) const NAME: &str = "undelivered.ndjson";

/// The file, shared by all destinations of the process.
#[derive(Debug)]
pub(super) struct UndeliveredFile {
    path: PathBuf,
    writing: Mutex<()>,
}

#[derive(Serialize)]
struct Kept<'a> {
    refused_at: Timestamp,
    destination: &'a str,
    position: u64,
    id: Uuid,
    error: FailureClass,
    reason: &'a str,
    /// The entry exactly as written, as text.
    line: &'a str,
}

#[derive(Deserialize)]
struct Known {
    destination: String,
    position: u64,
}

impl UndeliveredFile {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            path: directory.join(NAME),
            writing: Mutex::new(()),
        }
    }

    /// Positions after `after` already in the file for this destination: a crash came before its cursor moved.
    pub(super) fn known(&self, destination: &str, after: u64) -> Result<HashSet<u64>, AuditQueueError> {
        let read = || -> io::Result<HashSet<u64>> {
            let file = match File::open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
                opened => opened?,
            };
            let mut known = HashSet::new();
            for line in BufReader::new(file).lines() {
                // A line that a crash tore is written again in full.
                if let Ok(kept) = serde_json::from_str::<Known>(&line?)
                    && kept.destination == destination
                    && kept.position > after
                {
                    known.insert(kept.position);
                }
            }
            Ok(known)
        };
        read().map_err(AuditQueueError::io("read", &self.path))
    }

    /// Keeps an entry; it is on disk when this returns.
    pub(super) fn keep(
        &self,
        destination: &str,
        entry: &StoredEntry,
        (class, reason): (FailureClass, &str),
        refused_at: Timestamp,
    ) -> io::Result<()> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = serde_json::to_vec(&Kept {
            refused_at,
            destination,
            position: entry.position,
            id: entry.id,
            error: class,
            reason,
            line: &entry.line,
        })?;
        text.push(b'\n');
        let mut file = File::options().create(true).append(true).read(true).open(&self.path)?;
        if torn(&mut file)? {
            text.insert(0, b'\n');
        }
        file.write_all(&text)?;
        file.sync_all()
    }
}

/// Whether the file ends within a line.
fn torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
