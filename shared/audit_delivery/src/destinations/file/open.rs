//! Opens the file at a path exclusively.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::failure::FileFailure;

/// How often a file that is renamed between opening and locking is opened again.
const ATTEMPTS: u32 = 8;

/// A file without another writer while this value lives.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing is not enough: a forked child process may hold a copy until it runs its program. An error means that there is
        // no lock.
        drop(self.0.unlock());
    }
}

/// The file at the path, locked; created if absent.
pub(super) fn locked(path: &Path) -> Result<Locked, FileFailure> {
    for _ in 0..ATTEMPTS {
        let before = existing(path)?;
        // Opening a pipe would block until it has a reader.
        if before.is_some_and(|metadata| !metadata.is_file()) {
            return Err(FileFailure::NotAFile);
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o640)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FileFailure::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let file = Locked(file);
        let opened = file.metadata()?;
        let is_still_there = existing(path)?.is_some_and(|now| (now.dev(), now.ino()) == (opened.dev(), opened.ino()));
        if is_still_there {
            // Also for an existing file: its creator may have died before this sync.
            if let Some(folder) = path.parent() {
                File::open(folder)?.sync_all()?;
            }
            return Ok(file);
        }
    }
    Err(FileFailure::AlwaysRenamed)
}

fn existing(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
