//! The file: one line for each entry, whole, once, on the disk before it is acknowledged, whatever rotates the file. Unix only.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::line::one_line;
use super::{DeliveryError, Destination, Outgoing};
use failure::Failure;
use open::Locked;
use recent::Recent;
use tail::Tail;

mod failure;
mod open;
mod recent;
mod tail;

/// How much of a file's end is read for lines that are there already, in bytes: far more than one batch.
const WINDOW: u64 = 8 * 1024 * 1024;

/// Appends to one file. There must be no other writer: an advisory lock on the file (`flock`) keeps out those that ask.
///
/// `Ok` means written and synchronised (`fdatasync`; the folder too when the file was opened). The file may be renamed, truncated or
/// removed at any time; the next batch goes into a file at the path. A line that a crash or a full disk broke off is completed by the
/// next batch. Entries whose lines are in the last 8 MiB, or were written by this value not long ago, are left out.
#[derive(Debug)]
pub struct FileDestination {
    path: PathBuf,
    open: Option<Open>,
    recent: Recent,
    /// Whether what the file shows is, or will be, on the disk: not after a synchronisation has failed.
    believes: bool,
}

/// The file as it was after the last batch.
#[derive(Debug)]
struct Open {
    file: Locked,
    device: u64,
    inode: u64,
    length: u64,
    /// The last line, if it has no end.
    torn: Vec<u8>,
}

impl FileDestination {
    /// A destination at an absolute path. The file is opened, and made if need be (mode 0640), with the first batch; its folder must exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            recent: Recent::default(),
            believes: true,
        }
    }

    /// Where it writes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file and gives its lock back until the next batch. What was written is remembered.
    pub fn close(&mut self) {
        self.open = None;
    }

    fn append(&mut self, batch: &[Outgoing<'_>]) -> Result<(), Failure> {
        let size = batch.iter().map(|entry| entry.line.len() as u64 + 1).sum();
        let mut open = self.current(size)?;
        let bytes = self.render(batch, &open.torn);
        if !bytes.is_empty() {
            (&*open.file).write_all(&bytes)?;
            open.torn.clear();
        }
        // Even if all of it was there already: who wrote it may have died before this.
        if let Err(error) = open.file.sync_data() {
            // The kernel reports a failed write-back once and may have dropped the pages, though reading still shows them. From now on
            // a line is written twice rather than believed.
            self.believes = false;
            self.recent = Recent::default();
            return Err(error.into());
        }
        let now = open.file.metadata()?;
        if now.nlink() == 0 {
            return Err(Failure::Vanished);
        }
        open.length += bytes.len() as u64;
        if now.len() < open.length {
            return Err(Failure::Truncated);
        }
        self.recent.add(batch.iter().map(|entry| entry.id));
        // Kept only now: after a failure the file is opened and its end read anew.
        self.open = Some(open);
        Ok(())
    }

    /// The file that is at the path now: the one written last, unless it was renamed, removed or truncated in between.
    fn current(&mut self, size: u64) -> Result<Open, Failure> {
        if let Some(open) = self.open.take()
            && open.is_at(&self.path)
        {
            return Ok(open);
        }
        let file = open::locked(&self.path)?;
        let metadata = file.metadata()?;
        let tail = Tail::read(&file, metadata.len(), WINDOW.max(size))?;
        if self.believes {
            self.recent.add(tail.ids);
        }
        Ok(Open {
            file,
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            torn: tail.torn,
        })
    }

    /// The bytes that bring the file to hold the batch: what is missing of a torn line first, then the lines that are not there yet.
    fn render(&self, batch: &[Outgoing<'_>], torn: &[u8]) -> Vec<u8> {
        let mut missing = batch.iter().filter(|entry| !self.recent.contains(entry.id)).peekable();
        let mut bytes = Vec::new();
        if !torn.is_empty()
            && let Some(first) = missing.peek()
        {
            // Batches come again in the same order, so what was broken off is the beginning of the first line that is not there; what
            // it is otherwise nobody can say, and it gets a line of its own.
            if let Some(rest) = one_line(first.line).as_bytes().strip_prefix(torn) {
                bytes.extend_from_slice(rest);
                missing.next();
            }
            bytes.push(b'\n');
        }
        for entry in missing {
            bytes.extend_from_slice(one_line(entry.line).as_bytes());
            bytes.push(b'\n');
        }
        bytes
    }
}

impl Open {
    fn is_at(&self, path: &Path) -> bool {
        std::fs::metadata(path)
            .is_ok_and(|now| now.dev() == self.device && now.ino() == self.inode && now.len() >= self.length)
    }
}

impl Destination for FileDestination {
    fn name(&self) -> &'static str {
        "file"
    }

    fn deliver(&mut self, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.append(batch).map_err(|failure| failure.at(&self.path))
    }
}

#[cfg(test)]
mod tests;
