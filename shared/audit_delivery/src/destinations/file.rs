//! The file: each entry is one whole line, once, on disk before it is acknowledged, under any file rotation. Unix only.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::line::one_line;
use crate::destination::{DeliveryError, Destination, Outgoing};
use failure::FileFailure;
use open::Locked;
use recent::Recent;
use tail::Tail;

mod failure;
mod open;
mod recent;
mod tail;

/// How much of the end of a file is searched for lines already written, in bytes: far more than one batch.
const WINDOW: u64 = 8 * 1024 * 1024;

/// Appends to one file. There must be no other writer: an advisory lock (`flock`) excludes cooperating ones.
///
/// `Ok` means written and synced (`fdatasync`; also the folder when the file was opened). The file may be renamed, truncated or
/// removed at any time; the next batch goes to a file at the path. The next batch completes a line that a crash or a full disk cut
/// off. Entries are skipped if their lines are in the last 8 MiB or were recently written by this value.
#[derive(Debug)]
pub struct FileDestination {
    path: PathBuf,
    open: Option<Open>,
    recent: Recent,
    /// Whether lines found in the file are durable: false after a failed sync.
    trusts_content: bool,
}

/// The file as it was after the last batch.
#[derive(Debug)]
struct Open {
    file: Locked,
    device: u64,
    inode: u64,
    length: u64,
    /// The last line, if it has no line break.
    torn: Vec<u8>,
}

impl FileDestination {
    /// A destination at an absolute path. The first batch opens the file, or creates it (mode 0640); its folder must exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            recent: Recent::default(),
            trusts_content: true,
        }
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file and releases its lock until the next batch. Written ids are remembered.
    pub fn close(&mut self) {
        self.open = None;
    }

    fn append(&mut self, batch: &[Outgoing<'_>]) -> Result<(), FileFailure> {
        let size = batch.iter().map(|entry| entry.line.len() as u64 + 1).sum();
        let mut open = self.current(size)?;
        let bytes = self.render(batch, &open.torn);
        if !bytes.is_empty() {
            (&*open.file).write_all(&bytes)?;
            open.torn.clear();
        }
        // Required even if all lines were already there: their writer may have died before its sync.
        if let Err(error) = open.file.sync_data() {
            // The kernel reports a failed write-back once and may have dropped the pages, though reads still show them. From now on
            // lines in the file are not trusted but written again.
            self.trusts_content = false;
            self.recent = Recent::default();
            return Err(error.into());
        }
        let now = open.file.metadata()?;
        if now.nlink() == 0 {
            return Err(FileFailure::Removed);
        }
        open.length += bytes.len() as u64;
        if now.len() < open.length {
            return Err(FileFailure::Truncated);
        }
        self.recent.add(batch.iter().map(|entry| entry.id));
        // Kept only after success: otherwise the next batch opens the file and reads its end again.
        self.open = Some(open);
        Ok(())
    }

    /// The file now at the path: the last one written, unless it was renamed, removed or truncated in between.
    fn current(&mut self, size: u64) -> Result<Open, FileFailure> {
        if let Some(open) = self.open.take()
            && open.is_at(&self.path)
        {
            return Ok(open);
        }
        let file = open::locked(&self.path)?;
        let metadata = file.metadata()?;
        let tail = Tail::read(&file, metadata.len(), WINDOW.max(size))?;
        if self.trusts_content {
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

    /// The bytes still missing in the file: first the rest of a torn line, then the lines that are not there yet.
    fn render(&self, batch: &[Outgoing<'_>], torn: &[u8]) -> Vec<u8> {
        let mut missing = batch.iter().filter(|entry| !self.recent.contains(entry.id)).peekable();
        let mut bytes = Vec::new();
        if !torn.is_empty()
            && let Some(first) = missing.peek()
        {
            // Retried batches keep their order, so a torn line is the beginning of the first missing line. Any other torn text is
            // unknown and gets its own line.
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
