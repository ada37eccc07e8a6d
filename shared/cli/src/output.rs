//! Results and errors of a command, and standard output: buffered, flushed page by page, and closed silently with its reader.

pub(crate) mod csv;
pub(crate) mod listing;
pub(crate) mod table;
pub(crate) mod terminal;

use std::io::{self, BufWriter, StdoutLock, Write};

use store::{SchemaError, StoreError};

/// The result of a successful command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Found, or done.
    Done,
    /// Nothing was found.
    Nothing,
}

impl Ending {
    /// By the number of results.
    pub(crate) fn found(count: u64) -> Self {
        if count == 0 { Self::Nothing } else { Self::Done }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The rules file is invalid.
    #[error("{0}")]
    InvalidRules(String),
    /// The command line is invalid.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Database(String),
    /// A file, or the output.
    #[error("{0}")]
    File(String),
    /// The reader closed the output; not an error of this command.
    #[error("output closed by its reader")]
    Closed,
}

impl CommandError {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::InvalidRules(_) => 1,
            Self::Usage(_) => 2,
            Self::Database(_) => 3,
            Self::File(_) => 4,
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<SchemaError> for CommandError {
    fn from(error: SchemaError) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<io::Error> for CommandError {
    /// For output; errors from reading a file name the file.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::File(format!("cannot write the output: {error}")),
        }
    }
}

/// Standard output for the duration of a command.
pub(crate) fn standard() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Prints a remark to standard error.
pub(crate) fn remark(text: &str) {
    // If standard error is closed, the remark is lost.
    let _ = writeln!(io::stderr(), "{text}");
}

/// `1 entry`, `2 entries`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
