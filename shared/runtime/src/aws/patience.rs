//! Attempts and time limits of a call.

use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// Attempts of one operation, the first included.
const ATTEMPTS: u32 = 3;
/// Waits between attempts start at this, with jitter, ...
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// ... and grow to at most this.
const LONGEST_BACKOFF: Duration = Duration::from_millis(400);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Sending a message is only one part of an invocation, and an unsent message is found again by its row. The webhook function,
/// whose sender does not retry, has a longer limit ([`super::Clients::sending_within`]).
pub(super) const SEND: Duration = Duration::from_secs(3);
/// Reading a secret is rare and may take longer.
pub(super) const READ: Duration = Duration::from_secs(5);

/// Few attempts in quick succession: the caller retries later.
pub(super) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF)
}

/// Time limits for connecting, for one attempt, and for the whole operation.
pub(super) fn timeouts(operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(operation)
        .build()
}

/// Retries after an answer that broke off, which the SDK does not do by default, since the request may have taken effect. Both
/// operations used here are repeatable: a message has its deduplication id, and reading a secret changes nothing.
#[derive(Debug)]
pub(super) struct BrokenOffAnswers;

impl ClassifyRetry for BrokenOffAnswers {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if error.is_response_error() => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "BrokenOffAnswers"
    }
}
