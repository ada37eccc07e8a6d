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
    let partial =
        r#"{"data":{"issue":{"id":"x"}},"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#;
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
