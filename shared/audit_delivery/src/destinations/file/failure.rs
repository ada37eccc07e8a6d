//! Why a batch could not be written. The entries are never the cause: the same batch is retried.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::destination::DeliveryError;
use audit::FailureClass;

#[derive(Debug, thiserror::Error)]
pub(super) enum FileFailure {
    #[error("another process holds its lock; a file has one writer")]
    Locked,
    #[error("it is no regular file; use the destination stdout for pipes and terminals")]
    NotAFile,
    #[error("it is renamed as fast as it is opened")]
    Restless,
    #[error("it was removed while it was written")]
    Vanished,
    #[error("it was truncated while it was written")]
    Truncated,
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl FileFailure {
    pub(super) fn at(&self, path: &Path) -> DeliveryError {
        let class = match self {
            Self::Locked | Self::Restless | Self::Vanished | Self::Truncated => FailureClass::Conflict,
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
