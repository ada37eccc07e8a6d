//! Why a call to AWS failed, in the failure classes of the audit log, and whether a retry can help.

use audit::FailureClass;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A call that failed after its retries. It holds only status and error code, no other part of the request or the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed with {class}{}", particulars(*.status, .code.as_deref()))]
pub struct AwsError {
    operation: &'static str,
    class: FailureClass,
    status: Option<u16>,
    code: Option<String>,
}

impl AwsError {
    /// A failure of `operation` with a known class and nothing else.
    #[must_use]
    pub fn new(operation: &'static str, class: FailureClass) -> Self {
        Self {
            operation,
            class,
            status: None,
            code: None,
        }
    }

    /// The class, as in the audit entry.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        self.class
    }

    /// The HTTP status, if an answer came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The service's error code, such as `AccessDeniedException`, if the answer had one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether the same call may succeed later without a change of permissions, configuration or the request.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.class {
            FailureClass::RateLimit
            | FailureClass::NetworkError
            | FailureClass::Timeout
            | FailureClass::Conflict
            | FailureClass::ServerError => true,
            FailureClass::AuthFailure | FailureClass::NotFound => false,
            // An unreadable success may be retried; a rejection may not.
            FailureClass::InvalidResponse => self.status.is_some_and(|status| status < 400),
        }
    }

    /// A success that lacks what it must contain.
    pub(super) fn unreadable(operation: &'static str) -> Self {
        Self {
            operation,
            class: FailureClass::InvalidResponse,
            status: Some(200),
            code: None,
        }
    }

    /// A success whose only part was rejected with this code.
    pub(super) fn refused(operation: &'static str, code: &str) -> Self {
        // Such a part has no status; `InternalFailure` corresponds to a 500.
        let status = if code.starts_with("Internal") { 500 } else { 400 };
        Self {
            operation,
            class: of_answer(status, Some(code)),
            status: Some(status),
            code: Some(code.to_owned()),
        }
    }

    pub(super) fn of<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = match error {
            SdkError::ServiceError(answer) => answer.err().code(),
            _ => None,
        };
        let class = match error {
            SdkError::TimeoutError(_) => FailureClass::Timeout,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => FailureClass::Timeout,
            SdkError::DispatchFailure(failure) if failure.is_user() => FailureClass::InvalidResponse,
            // ResponseError: the answer broke off. A complete one that was not understood is a ServiceError.
            SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => FailureClass::NetworkError,
            SdkError::ServiceError(_) => of_answer(status.unwrap_or_default(), code),
            _ => FailureClass::InvalidResponse,
        };
        Self {
            operation,
            class,
            status,
            code: code.map(ToOwned::to_owned),
        }
    }
}

fn particulars(status: Option<u16>, code: Option<&str>) -> String {
    match (status, code) {
        (Some(status), Some(code)) => format!(" ({status} {code})"),
        (Some(status), None) => format!(" ({status})"),
        _ => String::new(),
    }
}

/// AWS answers most rejections with status 400 and distinguishes them by code
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>).
fn of_answer(status: u16, code: Option<&str>) -> FailureClass {
    const AUTH: [&str; 13] = [
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidSignatureException",
        "KmsAccessDenied",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ];
    const LIMIT: [&str; 8] = [
        "KmsThrottled",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    ];
    const NOT_FOUND: [&str; 3] = [
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    ];
    match code {
        Some(code) if AUTH.contains(&code) => FailureClass::AuthFailure,
        Some(code) if LIMIT.contains(&code) => FailureClass::RateLimit,
        Some(code) if NOT_FOUND.contains(&code) => FailureClass::NotFound,
        _ => FailureClass::of_status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_code_precedes_status_in_the_class() {
        let table = [
            (400, Some("AccessDeniedException"), FailureClass::AuthFailure),
            (400, Some("ThrottlingException"), FailureClass::RateLimit),
            (403, Some("RequestThrottled"), FailureClass::RateLimit),
            (
                400,
                Some("AWS.SimpleQueueService.NonExistentQueue"),
                FailureClass::NotFound,
            ),
            (400, Some("InvalidParameterValue"), FailureClass::InvalidResponse),
            (403, None, FailureClass::AuthFailure),
            (500, Some("InternalServiceError"), FailureClass::ServerError),
            (503, None, FailureClass::ServerError),
            (200, None, FailureClass::InvalidResponse),
        ];
        for (status, code, expected) in table {
            assert_eq!(of_answer(status, code), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn permanent_failures_are_not_retryable() {
        let at = |class, status| {
            AwsError {
                operation: "x",
                class,
                status,
                code: None,
            }
            .is_retryable()
        };
        assert!(!at(FailureClass::AuthFailure, Some(403)));
        assert!(!at(FailureClass::NotFound, Some(400)));
        assert!(!at(FailureClass::InvalidResponse, Some(400)));
        assert!(at(FailureClass::InvalidResponse, Some(200)));
        assert!(at(FailureClass::Timeout, None));
        assert!(at(FailureClass::ServerError, Some(500)));
    }

    #[test]
    fn the_text_says_what_failed_and_how() {
        let code = Some("AccessDenied".to_owned());
        let error = AwsError {
            operation: "SendMessage",
            class: FailureClass::AuthFailure,
            status: Some(403),
            code,
        };
        assert_eq!(
            error.to_string(),
            "SendMessage failed with auth_failure (403 AccessDenied)"
        );
        assert_eq!(
            AwsError::new("SendMessage", FailureClass::Timeout).to_string(),
            "SendMessage failed with timeout"
        );
    }
}
