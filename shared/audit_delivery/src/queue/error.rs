//! Why an audit log cannot be opened, and how to fix it.

use std::io;
use std::path::{Path, PathBuf};

use crate::destinations::settings::DestinationProblems;

/// Why an audit log cannot be opened or read. No data on disk was discarded.
#[derive(Debug, thiserror::Error)]
pub enum AuditQueueError {
    /// Another process has locked the directory: each process needs a separate one.
    #[error("{} is in use by {}: give each process a separate directory", directory.display(), holder.as_deref().unwrap_or("another process"))]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// `process <number>`, as that process recorded it.
        holder: Option<String>,
    },
    /// The operating system returned an error.
    #[error("cannot {doing} {}: {source}; check the path, its permissions and the free space", path.display())]
    Io {
        /// The operation that was tried.
        doing: &'static str,
        /// Its path.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// A file differs from what was written. Nothing is skipped: restore it, or move the directory away and start with an empty
    /// one.
    #[error("{} is damaged at byte {offset}: {reason}; restore it, or move the directory away and start with an empty one", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The position in it.
        offset: u64,
        /// The damage.
        reason: String,
    },
    /// Two destinations have the same name and would share a cursor.
    #[error("two destinations are named {0}: give each a unique name")]
    SameName(&'static str),
    /// The destination's name cannot be part of a file name.
    #[error("invalid destination name {0:?}: use lower-case letters, digits, - and _")]
    BadName(&'static str),
    /// There is no destination and no standard output.
    #[error(
        "the audit queue has no destination and no standard output: configure one, or disable the audit log with AUDIT_LOG_ENABLED=false"
    )]
    NoDestination,
    /// The variables are invalid.
    #[error(transparent)]
    Settings(#[from] DestinationProblems),
    /// A destination cannot be built as configured.
    #[error("the destination {name} cannot be set up: {reason}")]
    Destination {
        /// Its name.
        name: &'static str,
        /// The reason.
        reason: String,
    },
}

impl AuditQueueError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    pub(super) fn damaged(file: &Path, offset: u64, reason: impl Into<String>) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            offset,
            reason: reason.into(),
        }
    }
}
