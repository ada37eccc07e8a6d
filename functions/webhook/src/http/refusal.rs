//! Why a request is rejected, and the reasons in the response and in the audit log.

use http::StatusCode;
use inbound::gitlab::Rejection;

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The sender's proof is missing or invalid, or does not cover this project.
    Sender(Rejection),
    /// A content type that the route does not accept.
    UnsupportedMediaType,
    /// Not a request of API Gateway, or a body that is not the base64 it claims to be.
    Unreadable,
    /// A path that is not served.
    NotFound,
    /// A method other than POST.
    MethodNotAllowed,
    /// More entries than one request may have.
    TooManyEntries,
    /// The queue did not accept the delivery.
    QueueUnavailable,
    /// An error in this program; the request may be valid.
    Internal,
}

impl Refusal {
    /// The status of the response.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Sender(Rejection::TooLarge) | Self::TooManyEntries => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Sender(Rejection::WrongScope) => StatusCode::FORBIDDEN,
            Self::Sender(Rejection::NoSecret) | Self::QueueUnavailable | Self::Internal => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Sender(_) | Self::Unreadable => StatusCode::UNAUTHORIZED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// The reason in the response. An unauthenticated sender gets no details.
    #[must_use]
    pub fn public_reason(self) -> &'static str {
        match self {
            Self::Sender(Rejection::TooLarge) => "too_large",
            Self::TooManyEntries => "too_many_entries",
            Self::Sender(Rejection::WrongScope) => "wrong_scope",
            Self::Sender(Rejection::NoSecret) => "secret_unavailable",
            Self::Sender(_) | Self::Unreadable => "not_authentic",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::QueueUnavailable => "queue_unavailable",
            Self::Internal => "internal_error",
        }
    }

    /// The reason in the audit log.
    #[must_use]
    pub fn audit_reason(self) -> &'static str {
        match self {
            Self::Sender(rejection) => rejection.as_str(),
            Self::UnsupportedMediaType | Self::Unreadable | Self::NotFound | Self::MethodNotAllowed => "malformed",
            Self::TooManyEntries => "too_many_entries",
            Self::QueueUnavailable => "queue_unavailable",
            Self::Internal => "internal_error",
        }
    }

    /// Whether this service is at fault; then the sender may be genuine.
    #[must_use]
    pub fn is_ours(self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Whether a newer version of the secret could change the assessment.
    #[must_use]
    pub fn retry_with_fresh_secret(self) -> bool {
        let Self::Sender(rejection) = self else { return false };
        matches!(
            rejection,
            Rejection::BadSignature | Rejection::BadToken | Rejection::WrongScope | Rejection::NoSecret
        )
    }
}
