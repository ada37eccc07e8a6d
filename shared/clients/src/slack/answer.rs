//! The meaning of Slack's answers: most failures are HTTP 200 with `"ok": false` and a code
//! (<https://docs.slack.dev/reference/methods/chat.postMessage#errors>).

use audit::FailureClass;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{CallProblem, Safety};
use crate::http::HttpResponse;
use crate::plain::error_code;
use crate::{Advice, CallError};

/// Prefix of the error text if Slack rejected the call; the code follows.
const ANSWERED: &str = "Slack answered ";

#[derive(Debug, Deserialize)]
struct Envelope {
    ok: bool,
    error: Option<String>,
}

/// The answer of a successful call.
pub(super) fn parse_answer<T: DeserializeOwned>(answer: &HttpResponse) -> Result<T, CallProblem> {
    if !(200..300).contains(&answer.status) {
        return Err(answer.refusal());
    }
    let envelope: Envelope = answer.json()?;
    if envelope.ok {
        return answer.json();
    }
    let code = envelope.error.unwrap_or_default();
    let (class, advice) = meaning(&code, answer);
    Err(CallProblem::new(
        class,
        advice,
        format!("{ANSWERED}{}", error_code(&code, is_part)),
    ))
}

/// Slack rejected the call with one of these codes.
pub(super) fn is_one_of(error: &CallError, codes: &[&str]) -> bool {
    error
        .message
        .strip_prefix(ANSWERED)
        .is_some_and(|code| codes.contains(&code))
}

/// The class of a code, and what to do.
fn meaning(code: &str, answer: &HttpResponse) -> (FailureClass, Advice) {
    let unsure = match answer.safety {
        Safety::Reads => Advice::Retry { after: None },
        // Slack: "some aspect of the operation succeeded before the error was raised" may be the case.
        Safety::Acts => Advice::Ambiguous,
    };
    match code {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => (
            FailureClass::RateLimit,
            Advice::Retry {
                after: answer.retry_after(),
            },
        ),
        "internal_error" | "fatal_error" | "service_unavailable" | "update_failed" => {
            (FailureClass::ServerError, unsure)
        }
        "request_timeout" => (FailureClass::Timeout, unsure),
        // The workspace is being migrated and accepts no calls for a while.
        "team_added_to_org" => (FailureClass::ServerError, Advice::Retry { after: None }),
        "invalid_auth"
        | "not_authed"
        | "token_revoked"
        | "token_expired"
        | "account_inactive"
        | "no_permission"
        | "missing_scope"
        | "not_allowed_token_type"
        | "access_denied"
        | "org_login_required"
        | "ekm_access_denied"
        | "team_access_not_granted"
        | "two_factor_setup_required" => (FailureClass::AuthFailure, Advice::Permanent),
        "channel_not_found" | "message_not_found" | "thread_not_found" => (FailureClass::NotFound, Advice::Permanent),
        _ => (FailureClass::InvalidResponse, Advice::Permanent),
    }
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::Value;

    use super::*;

    fn problem(safety: Safety, status: u16, body: &str) -> CallProblem {
        let received_at = jiff::Timestamp::UNIX_EPOCH;
        let answer = HttpResponse {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            received_at,
            safety,
        };
        parse_answer::<Value>(&answer).unwrap_err()
    }

    #[test]
    fn failure_code_decides_if_posting_is_ambiguous() {
        use FailureClass::{AuthFailure, InvalidResponse, NotFound, RateLimit, ServerError, Timeout};
        let retry = Advice::Retry { after: None };
        for (code, class, posting, reading) in [
            ("ratelimited", RateLimit, retry, retry),
            ("internal_error", ServerError, Advice::Ambiguous, retry),
            ("fatal_error", ServerError, Advice::Ambiguous, retry),
            ("service_unavailable", ServerError, Advice::Ambiguous, retry),
            ("request_timeout", Timeout, Advice::Ambiguous, retry),
            ("invalid_auth", AuthFailure, Advice::Permanent, Advice::Permanent),
            ("not_authed", AuthFailure, Advice::Permanent, Advice::Permanent),
            ("token_revoked", AuthFailure, Advice::Permanent, Advice::Permanent),
            ("account_inactive", AuthFailure, Advice::Permanent, Advice::Permanent),
            ("missing_scope", AuthFailure, Advice::Permanent, Advice::Permanent),
            ("update_failed", ServerError, Advice::Ambiguous, retry),
            ("channel_not_found", NotFound, Advice::Permanent, Advice::Permanent),
            ("message_not_found", NotFound, Advice::Permanent, Advice::Permanent),
            ("thread_not_found", NotFound, Advice::Permanent, Advice::Permanent),
            (
                "cant_update_message",
                InvalidResponse,
                Advice::Permanent,
                Advice::Permanent,
            ),
            ("is_archived", InvalidResponse, Advice::Permanent, Advice::Permanent),
            ("not_in_channel", InvalidResponse, Advice::Permanent, Advice::Permanent),
            ("msg_too_long", InvalidResponse, Advice::Permanent, Advice::Permanent),
            (
                "msg_blocks_too_long",
                InvalidResponse,
                Advice::Permanent,
                Advice::Permanent,
            ),
            ("invalid_blocks", InvalidResponse, Advice::Permanent, Advice::Permanent),
            (
                "a_code_of_tomorrow",
                InvalidResponse,
                Advice::Permanent,
                Advice::Permanent,
            ),
        ] {
            let body = format!(r#"{{"ok":false,"error":"{code}"}}"#);
            for (safety, advice) in [(Safety::Acts, posting), (Safety::Reads, reading)] {
                let problem = problem(safety, 200, &body);
                assert_eq!((problem.class, problem.advice), (class, advice), "{code} {safety:?}");
                assert_eq!(problem.message, format!("Slack answered {code}"));
            }
        }
    }

    #[test]
    fn unreadable_answer_leaves_the_posting_ambiguous() {
        for body in ["", "{", "<html>", "[]", r#"{"ok":"yes"}"#, r#"{"no":1}"#] {
            let problem = problem(Safety::Acts, 200, body);
            assert_eq!(
                (problem.class, problem.advice),
                (FailureClass::InvalidResponse, Advice::Ambiguous),
                "{body}"
            );
        }
        assert_eq!(problem(Safety::Acts, 503, "").advice, Advice::Ambiguous);
        assert_eq!(problem(Safety::Acts, 429, "").advice, Advice::Retry { after: None });
        assert_eq!(problem(Safety::Acts, 404, "").advice, Advice::Permanent);
    }

    #[test]
    fn malformed_error_code_is_not_repeated() {
        for body in [r#"{"ok":false}"#, r#"{"ok":false,"error":"see https://evil.example"}"#] {
            assert_eq!(
                problem(Safety::Acts, 200, body).message,
                "Slack answered with an unrecognized error"
            );
        }
    }
}
