//! The meaning of Linear's answers: errors are in the body, under HTTP 200 or 400, also beside data
//! (<https://linear.app/developers/graphql#errors>, <https://linear.app/developers/rate-limiting>).

use std::time::Duration;

use audit::FailureClass;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Advice;
use crate::error::{CallProblem, Safety};
use crate::http::HttpResponse;
use crate::plain::error_code;

/// The longest wait that is accepted; Linear's rate-limit windows are an hour long.
const LONGEST: Duration = Duration::from_hours(1);

#[derive(Debug, Deserialize)]
struct Envelope<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<ErrorJson>,
}

#[derive(Debug, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<ErrorJson>,
}

#[derive(Debug, Deserialize)]
struct ErrorJson {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
struct Extensions {
    code: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "statusCode")]
    status: Option<u16>,
}

/// The data of a complete answer. Data with an error beside them are rejected: the missing part could be the decisive one.
pub(super) fn parse_answer<T: DeserializeOwned>(answer: &HttpResponse) -> Result<T, CallProblem> {
    let succeeded = (200..300).contains(&answer.status);
    let failed: Result<Errors, _> = serde_json::from_slice(&answer.body);
    match failed {
        Ok(failed) if !failed.errors.is_empty() => return Err(meaning(&failed.errors, answer)),
        _ if !succeeded => return Err(answer.refusal()),
        _ => (),
    }
    let whole: Envelope<T> = answer.json()?;
    debug_assert!(whole.errors.is_empty(), "errors are handled above");
    whole.data.ok_or_else(|| answer.unreadable("response has no data"))
}

fn meaning(errors: &[ErrorJson], answer: &HttpResponse) -> CallProblem {
    let codes = || errors.iter().map(ErrorJson::code);
    let has = |wanted: &[&str]| codes().any(|code| wanted.iter().any(|known| code.eq_ignore_ascii_case(known)));
    let unsure = match answer.safety {
        Safety::Reads => Advice::Retry { after: None },
        Safety::Acts => Advice::Ambiguous,
    };
    let (class, advice) = if has(&["RATELIMITED"]) {
        let after = reset(answer).or_else(|| answer.retry_after());
        (FailureClass::RateLimit, Advice::Retry { after })
    } else if has(&[
        "AUTHENTICATION_ERROR",
        "FORBIDDEN",
        "FEATURE_NOT_ACCESSIBLE",
        "authentication error",
        "feature not accessible",
    ]) || errors
        .iter()
        .any(|error| matches!(error.extensions.status, Some(401 | 403)))
    {
        (FailureClass::AuthFailure, Advice::Permanent)
    } else if errors.iter().any(ErrorJson::names_nothing) {
        (FailureClass::NotFound, Advice::Permanent)
    } else if has(&["CONFLICT", "lock timeout"]) || errors.iter().any(ErrorJson::is_doubled) {
        (FailureClass::Conflict, Advice::Retry { after: None })
    } else if has(&[
        "INTERNAL_SERVER_ERROR",
        "internal error",
        "network error",
        "bootstrap error",
    ]) || answer.status >= 500
    {
        (FailureClass::ServerError, unsure)
    } else {
        (FailureClass::InvalidResponse, Advice::Permanent)
    };
    let code = errors.first().map_or("", ErrorJson::code);
    CallProblem::new(class, advice, format!("Linear answered {}", error_code(code, is_part)))
}

impl ErrorJson {
    fn code(&self) -> &str {
        let Extensions { code, kind, .. } = &self.extensions;
        code.as_deref().or(kind.as_deref()).unwrap_or_default()
    }

    /// A comment with this id, or a label with this name, exists already. Linear has no dedicated code for this.
    fn is_doubled(&self) -> bool {
        self.message.starts_with("conflict on insert") || self.message.eq_ignore_ascii_case("duplicate label name")
    }

    /// `Entity not found: Issue`.
    fn names_nothing(&self) -> bool {
        self.message.starts_with("Entity not found") || self.code().eq_ignore_ascii_case("ENTITY_NOT_FOUND")
    }
}

/// When the limit that was hit resets: epoch milliseconds, one for requests and one for complexity; the later one counts.
fn reset(answer: &HttpResponse) -> Option<Duration> {
    let of = |kind: &str| {
        let at: i64 = answer
            .header(&format!("x-ratelimit-{kind}-reset"))?
            .trim()
            .parse()
            .ok()?;
        u64::try_from(at.checked_sub(answer.received_at.as_millisecond())?).ok()
    };
    let wait = ["requests", "endpoint-requests", "complexity"]
        .into_iter()
        .filter_map(of)
        .max()?;
    Some(Duration::from_millis(wait).min(LONGEST))
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ')
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::Value;

    use super::*;

    fn answer(safety: Safety, status: u16, body: &str) -> HttpResponse {
        HttpResponse {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            received_at: jiff::Timestamp::UNIX_EPOCH,
            safety,
        }
    }

    fn problem(safety: Safety, status: u16, body: &str) -> CallProblem {
        parse_answer::<Value>(&answer(safety, status, body)).unwrap_err()
    }

    fn body(code: &str, message: &str) -> String {
        serde_json::json!({"errors": [{"message": message, "extensions": {"code": code}}]}).to_string()
    }

    #[test]
    fn error_is_read_from_body_regardless_of_status() {
        use FailureClass::{AuthFailure, Conflict, InvalidResponse, NotFound, RateLimit, ServerError};
        let retry = Advice::Retry { after: None };
        for (code, message, class, acting, reading) in [
            ("RATELIMITED", "", RateLimit, retry, retry),
            (
                "AUTHENTICATION_ERROR",
                "",
                AuthFailure,
                Advice::Permanent,
                Advice::Permanent,
            ),
            ("FORBIDDEN", "", AuthFailure, Advice::Permanent, Advice::Permanent),
            (
                "INPUT_ERROR",
                "Entity not found: Issue",
                NotFound,
                Advice::Permanent,
                Advice::Permanent,
            ),
            (
                "INPUT_ERROR",
                "Argument",
                InvalidResponse,
                Advice::Permanent,
                Advice::Permanent,
            ),
            (
                "GRAPHQL_VALIDATION_FAILED",
                "",
                InvalidResponse,
                Advice::Permanent,
                Advice::Permanent,
            ),
            ("INTERNAL_SERVER_ERROR", "", ServerError, Advice::Ambiguous, retry),
            ("INPUT_ERROR", "conflict on insert of Comment", Conflict, retry, retry),
            ("INPUT_ERROR", "duplicate label name", Conflict, retry, retry),
            ("lock timeout", "", Conflict, retry, retry),
            (
                "A_CODE_OF_TOMORROW",
                "",
                InvalidResponse,
                Advice::Permanent,
                Advice::Permanent,
            ),
        ] {
            for status in [200, 400] {
                let body = body(code, message);
                for (safety, advice) in [(Safety::Acts, acting), (Safety::Reads, reading)] {
                    let problem = problem(safety, status, &body);
                    assert_eq!(
                        (problem.class, problem.advice),
                        (class, advice),
                        "{code} {status} {safety:?}"
                    );
                    assert_eq!(problem.message, format!("Linear answered {code}"));
                }
            }
        }
    }

    #[test]
    fn data_beside_an_error_is_not_believed() {
        let partial = r#"{"data":{"issue":{"id":"x"}},"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#;
        assert_eq!(problem(Safety::Reads, 200, partial).class, FailureClass::ServerError);
        for none in [r#"{"data":null}"#, "{}", "[]", "", "<html>"] {
            assert_eq!(problem(Safety::Acts, 200, none).advice, Advice::Ambiguous, "{none}");
        }
        let empty = answer(Safety::Reads, 200, r#"{"data":{"viewer":1},"errors":[]}"#);
        assert_eq!(parse_answer::<Value>(&empty).unwrap()["viewer"], 1);
    }

    #[test]
    fn later_limit_applies_up_to_one_hour() {
        for (headers, expected) in [
            (vec![], None),
            (vec![("x-ratelimit-requests-reset", "30000")], Some(30_000)),
            (
                vec![
                    ("x-ratelimit-requests-reset", "30000"),
                    ("x-ratelimit-complexity-reset", "45000"),
                ],
                Some(45_000),
            ),
            (vec![("x-ratelimit-requests-reset", "99999999999999")], Some(3_600_000)),
            (
                vec![("x-ratelimit-requests-reset", "soon"), ("retry-after", "7")],
                Some(7_000),
            ),
            (vec![("x-ratelimit-requests-reset", "-5")], None),
            (vec![("x-ratelimit-requests-reset", "-9223372036854775808")], None),
        ] {
            let mut answer = answer(Safety::Reads, 400, &body("RATELIMITED", ""));
            for (name, value) in &headers {
                answer
                    .headers
                    .insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            }
            let after = expected.map(Duration::from_millis);
            assert_eq!(
                parse_answer::<Value>(&answer).unwrap_err().advice,
                Advice::Retry { after },
                "{headers:?}"
            );
        }
    }

    #[test]
    fn malformed_error_code_is_not_repeated() {
        let hostile = body("see https://evil.example", "");
        assert_eq!(
            problem(Safety::Acts, 200, &hostile).message,
            "Linear answered with an unrecognized error"
        );
    }
}
