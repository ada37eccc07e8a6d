//! How a command ends, and standard output: buffered, flushed page by page, and gone without a word when nobody reads any more.

use std::io::{self, BufWriter, StdoutLock, Write};

use store::{SchemaError, StoreError};

/// How a command ended that did what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Found, or done.
    Done,
    /// There is nothing.
    Nothing,
}

impl Ending {
    /// By the number of things found.
    pub(crate) fn found(count: u64) -> Self {
        if count == 0 { Self::Nothing } else { Self::Done }
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The rules file is refused.
    #[error("{0}")]
    Refused(String),
    /// The command line cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The database.
    #[error("{0}")]
    Database(String),
    /// A file, or the output.
    #[error("{0}")]
    File(String),
    /// Nobody reads the output any more: no failure of ours.
    #[error("the output was closed")]
    Closed,
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Database(_) => 3,
            Self::File(_) => 4,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<SchemaError> for Failure {
    fn from(error: SchemaError) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<io::Error> for Failure {
    /// Of writing: files that are read say their names.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::File(format!("the output cannot be written: {error}")),
        }
    }
}

/// Standard output for the length of a command.
pub(crate) fn standard() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Tells on standard error what is not part of the output.
pub(crate) fn remark(text: &str) {
    // With standard error closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// `1 entry`, `2 entries`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
