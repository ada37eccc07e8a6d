//! HTTP responses: a status, a word, a reason and the correlation id, as JSON.

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use inbound::producer::RejectedEntry;
use lambda_http::Body;
use model::codes;
use serde_json::json;
use uuid::Uuid;

use super::refusal::Refusal;

codes! {
    /// Why an authentic delivery needs no action.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Ignored {
        /// An unhandled kind of event.
        UnhandledKind = "unhandled_kind",
        /// Not JSON, or JSON without a kind.
        Unparseable = "unparseable",
        /// A comment without a command.
        NoCommand = "no_command",
        /// A comment or push of a project outside of the hook's scope.
        WrongScope = "wrong_scope",
        /// An array without an event.
        Empty = "empty",
    }
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Accepted {
        /// Correctly signed, but too old.
        stale: bool,
    },
    /// Authentic, but needs no action. Never a 4xx: GitLab disables a hook after a few of them.
    Ignored(Ignored),
    Refused(Refusal),
    /// Entries of another service, each accepted or rejected by itself.
    Entries {
        accepted: usize,
        rejected: Vec<RejectedEntry>,
    },
}

impl Answer {
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Accepted { .. } | Self::Entries { accepted: 1.., .. } => StatusCode::ACCEPTED,
            Self::Entries { accepted: 0, .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Ignored(_) => StatusCode::OK,
            Self::Refused(refusal) => refusal.status(),
        }
    }

    /// `accepted`, `ignored`, `rejected` or `unavailable`.
    #[must_use]
    pub fn status_name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } | Self::Entries { accepted: 1.., .. } => "accepted",
            Self::Ignored(_) => "ignored",
            Self::Refused(refusal) if refusal.is_ours() => "unavailable",
            Self::Refused(_) | Self::Entries { accepted: 0, .. } => "rejected",
        }
    }

    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Accepted { stale: false } | Self::Entries { accepted: 1.., .. } => None,
            Self::Entries { accepted: 0, .. } => Some("no_valid_entry"),
            Self::Accepted { stale: true } => Some("stale_timestamp"),
            Self::Ignored(ignored) => Some(ignored.as_str()),
            Self::Refused(refusal) => Some(refusal.public_reason()),
        }
    }

    #[must_use]
    pub fn into_response(&self, correlation_id: Uuid) -> Response<Body> {
        let mut body = json!({"status": self.status_name(), "reason": self.reason(), "correlation_id": correlation_id});
        if let Self::Entries { accepted, rejected } = self {
            let shown =
                |entry: &RejectedEntry| json!({"index": entry.index, "id": entry.id, "reason": entry.reason.as_str()});
            body["accepted"] = json!(accepted);
            body["rejected"] = rejected.iter().map(shown).collect();
        }
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if *self == Self::Refused(Refusal::MethodNotAllowed) {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_method_response_names_the_allowed_one() {
        let response = |refusal| Answer::Refused(refusal).into_response(Uuid::nil());
        assert_eq!(response(Refusal::MethodNotAllowed).headers()[ALLOW], "POST");
        assert!(!response(Refusal::NotFound).headers().contains_key(ALLOW));
    }

    #[test]
    fn the_correlation_id_is_part_of_every_answer() {
        let id = Uuid::from_u128(7);
        let answers = [
            Answer::Accepted { stale: false },
            Answer::Ignored(Ignored::Unparseable),
            Answer::Refused(Refusal::Internal),
        ];
        for answer in answers {
            let response = answer.into_response(id);
            let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(
                (body["correlation_id"] == json!(id), &body["status"]),
                (true, &json!(answer.status_name()))
            );
        }
    }
}
