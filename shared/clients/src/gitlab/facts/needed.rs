//! A needed read that failed: why, and how long GitLab asks to wait.

use audit::FailureClass;
use model::{Approval, LabelFacts, PartialAnswer};
use tokio::time::{Instant, timeout_at};

use crate::CallError;

/// A part of the answer that is missing.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) because: String,
    /// GitLab withholds it; a retry soon changes nothing.
    pub(super) withheld: bool,
    /// GitLab does not know the resource.
    pub(super) not_found: bool,
    retry_after_seconds: Option<u64>,
    silent: bool,
}

impl From<CallError> for Missing {
    fn from(error: CallError) -> Self {
        Self {
            withheld: error.is_withheld(),
            not_found: error.is_not_found(),
            retry_after_seconds: error.advice.after().map(|after| after.as_secs()),
            silent: error.http_status.is_none()
                && matches!(error.class, FailureClass::Timeout | FailureClass::NetworkError),
            because: error.to_string(),
        }
    }
}

impl From<Missing> for PartialAnswer {
    fn from(missing: Missing) -> Self {
        Self {
            retry_after_seconds: missing.retry_after_seconds,
            silent: missing.silent,
            ..Self::from(missing.because)
        }
    }
}

impl Missing {
    /// With everything that was read.
    pub(super) fn with(self, labels: LabelFacts, approvals: Vec<Approval>) -> PartialAnswer {
        PartialAnswer {
            labels: Some(labels),
            approvals,
            details_read: true,
            ..PartialAnswer::from(self)
        }
    }
}

/// Waits for a read until a deadline.
pub(super) async fn in_time<T>(until: Instant, read: impl Future<Output = Result<T, CallError>>) -> Result<T, Missing> {
    match timeout_at(until, read).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Missing {
            because: "GitLab did not answer in time".to_owned(),
            withheld: false,
            not_found: false,
            retry_after_seconds: None,
            silent: true,
        }),
    }
}
