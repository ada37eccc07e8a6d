//! What keeps a trail from being opened, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::destination::settings::Problems;

/// Why a trail cannot be opened or read. Nothing on the disk was given up.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// Another trail has the directory: each process needs its own.
    #[error("{} is in use by {}: give each process a directory of its own", directory.display(), holder.as_deref().unwrap_or("another process"))]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// `process <number>`, as that process wrote it down.
        holder: Option<String>,
    },
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}; check the path, its permissions and the space left", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A file is not as it was written. Nothing is skipped: restore it, or set the whole directory aside and start with an empty one.
    #[error("{} is damaged at byte {offset}: {reason}; restore it, or set the directory aside and start with an empty one", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// Two destinations have one name, and would share a cursor.
    #[error("two destinations are called {0}: each needs a name of its own")]
    SameName(&'static str),
    /// A destination's name cannot be part of a file's name.
    #[error("a destination is called {0:?}: use lower-case letters, digits, - and _")]
    BadName(&'static str),
    /// Nowhere to write to.
    #[error(
        "the trail has neither a destination nor standard output: name one, or switch it off with AUDIT_LOG_ENABLED=false"
    )]
    NoDestination,
    /// The variables are wrong.
    #[error(transparent)]
    Settings(#[from] Problems),
    /// A destination cannot be made as configured.
    #[error("the destination {name} cannot be set up: {reason}")]
    Destination {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

impl TrailError {
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
