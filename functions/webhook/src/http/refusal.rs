//! Why a request is rejected, and the reasons in the response and in the audit log.

use http::StatusCode;
use inbound::gitlab::Rejection;

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its proof is missing or invalid, or does not cover this project.
    Gitlab(Rejection),
    /// A content type other than JSON, which GitLab never sends.
    UnsupportedMediaType,
    /// Not a request of API Gateway, or a body that is not the base64 it claims to be.
    Unreadable,
    /// A path that is not served.
    NotFound,
    /// A method other than POST.
    MethodNotAllowed,
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
            Self::Gitlab(Rejection::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Gitlab(Rejection::WrongScope) => StatusCode::FORBIDDEN,
            Self::Gitlab(Rejection::NoSecret) | Self::QueueUnavailable | Self::Internal => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Gitlab(_) | Self::Unreadable => StatusCode::UNAUTHORIZED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// The reason in the response. An unauthenticated sender gets no details.
    #[must_use]
    pub fn public_reason(self) -> &'static str {
        match self {
            Self::Gitlab(Rejection::TooLarge) => "too_large",
            Self::Gitlab(Rejection::WrongScope) => "wrong_scope",
            Self::Gitlab(Rejection::NoSecret) => "secret_unavailable",
            Self::Gitlab(_) | Self::Unreadable => "not_authentic",
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
            Self::Gitlab(rejection) => rejection.as_str(),
            Self::UnsupportedMediaType | Self::Unreadable | Self::NotFound | Self::MethodNotAllowed => "malformed",
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
        let Self::Gitlab(rejection) = self else { return false };
        matches!(
            rejection,
            Rejection::BadSignature | Rejection::BadToken | Rejection::WrongScope | Rejection::NoSecret
        )
    }
}
