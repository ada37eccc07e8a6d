//! Why a batch could not be written. The cause is never in the entries, so the same batch is retried.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::destination::DeliveryError;
use audit::FailureClass;

#[derive(Debug, thiserror::Error)]
pub(super) enum FileFailure {
    #[error("another process holds its lock; use a separate file for each process")]
    Locked,
    #[error("not a regular file; use the destination stdout for pipes and terminals")]
    NotAFile,
    #[error("file was renamed on every attempt to open it")]
    AlwaysRenamed,
    #[error("file was removed during the write")]
    Removed,
    #[error("file was truncated during the write")]
    Truncated,
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl FileFailure {
    pub(super) fn at(&self, path: &Path) -> DeliveryError {
        let class = match self {
            Self::Locked | Self::AlwaysRenamed | Self::Removed | Self::Truncated => FailureClass::Conflict,
            Self::NotAFile => FailureClass::InvalidResponse,
            Self::Io(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => FailureClass::NotFound,
                ErrorKind::PermissionDenied => FailureClass::AuthFailure,
                _ => FailureClass::ServerError,
            },
        };
        DeliveryError::Unavailable {
            class,
            message: format!("{}: {self}", path.display()),
            retry_after: None,
        }
    }
}
