//! Every assessment, by request.

use base64::Engine as _;
use inbound::gitlab::Rejection;
use serde_json::{Value, json};

use super::*;
use crate::fixtures::{
    Headers, KEY, NEXT_KEY, NOW, PLAIN, TOLERANCE, header_map, hook_set, merged, now, rules, signed, signed_at,
    with_token,
};

fn assessed(headers: &Headers, body: &[u8]) -> Assessment {
    assess(
        &IncomingRequest::new(&header_map(headers), body),
        &hook_set(),
        now(),
        &rules(),
    )
}

fn signed_body(body: &Value) -> Assessment {
    let body = body.to_string().into_bytes();
    assessed(&signed(&body), &body)
}

fn rejection(assessment: &Assessment) -> Rejection {
    match assessment {
        Assessment::Refuse {
            why: Refusal::Sender(rejection),
            ..
        } => *rejection,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

#[test]
fn signed_merge_event_is_forwarded() {
    let Assessment::Forward {
        authentication,
        content: Content::MergeRequest(event),
    } = signed_body(&merged())
    else {
        panic!("expected a forwarded delivery")
    };
    let expected = Authentication {
        method: AuthMethod::HmacSha256,
        hook: "main".into(),
        instance: "gitlab".into(),
        stale: false,
    };
    assert_eq!(authentication, expected);
    assert_eq!(
        (event.mr_iid.0, event.labels.as_slice()),
        (12, &["security::high".to_owned()][..])
    );
}

#[test]
fn plain_token_is_forwarded_as_token() {
    let body = merged().to_string().into_bytes();
    let Assessment::Forward { authentication, .. } = assessed(&with_token(PLAIN), &body) else {
        panic!("expected a forwarded delivery")
    };
    assert_eq!(
        (authentication.method, authentication.stale),
        (AuthMethod::Token, false)
    );
}

#[test]
fn old_signature_is_forwarded_as_stale() {
    let body = merged().to_string().into_bytes();
    let Assessment::Forward { authentication, .. } = assessed(&signed_at(NOW - 86_400, KEY, &body), &body) else {
        panic!("expected a forwarded delivery")
    };
    assert!(authentication.stale);
}

#[test]
fn what_does_not_prove_itself_is_refused() {
    let body = merged().to_string().into_bytes();
    let mut rescued = signed_at(NOW, NEXT_KEY, &body);
    rescued.extend(with_token(PLAIN).into_iter().skip(1));
    let cases = [
        (vec![], Rejection::MissingCredentials),
        (signed_at(NOW, NEXT_KEY, &body), Rejection::BadSignature),
        (signed(b"another body"), Rejection::BadSignature),
        (rescued, Rejection::BadSignature),
        (with_token("guessed"), Rejection::BadToken),
        (with_token("a,b"), Rejection::Malformed),
    ];
    for (headers, expected) in cases {
        assert_eq!(rejection(&assessed(&headers, &body)), expected, "{headers:?}");
    }
    let without_hooks = assess(
        &IncomingRequest::new(&header_map(&signed(&body)), &body),
        &HookSet::default(),
        now(),
        &rules(),
    );
    assert_eq!(rejection(&without_hooks), Rejection::NoSecret);
}

#[test]
fn token_is_rejected_for_projects_outside_its_scope() {
    let mut elsewhere = merged();
    elsewhere["project"]["path_with_namespace"] = json!("platform-evil/vault");
    let mut nowhere = merged();
    nowhere["project"] = Value::Null;
    for body in [elsewhere, nowhere] {
        let assessment = signed_body(&body);
        assert_eq!(rejection(&assessment), Rejection::WrongScope);
        assert!(matches!(assessment, Assessment::Refuse { hook: Some(hook), .. } if hook == "main"));
    }
}

#[test]
fn authentic_delivery_of_unhandled_kind_is_ignored() {
    let deep = "[".repeat(90_000);
    let cases: [(&[u8], Ignored); 7] = [
        (
            br#"{"object_kind":"pipeline","project":{"path_with_namespace":"elsewhere/x"}}"#,
            Ignored::UnhandledKind,
        ),
        (br#"{"event_name":"user_create"}"#, Ignored::UnhandledKind),
        (b"", Ignored::Unparseable),
        (b"\xff\xfe{}", Ignored::Unparseable),
        (br#"{"text":"a custom template"}"#, Ignored::Unparseable),
        (b"{\"object_kind\":\"merge_request\"", Ignored::Unparseable),
        (deep.as_bytes(), Ignored::Unparseable),
    ];
    for (body, expected) in cases {
        let assessment = assessed(&signed(body), body);
        assert!(
            matches!(assessment, Assessment::Ignore { why, .. } if why == expected),
            "{assessment:?}"
        );
    }
}

#[test]
fn unexpected_shape_is_forwarded_whole_and_bounded() {
    // 1. The whole body is forwarded with the problem.
    let mut body = merged();
    body["object_attributes"]["iid"] = json!("twelve");
    let text = body.to_string();
    let Assessment::Forward {
        content:
            Content::Unexpected {
                problem,
                body_base64,
                truncated,
                ..
            },
        ..
    } = signed_body(&body)
    else {
        panic!("expected a forwarded delivery")
    };
    assert_eq!(problem, "object_attributes.iid is not a positive integer");
    assert_eq!(
        (STANDARD.decode(body_base64).unwrap(), truncated),
        (text.into_bytes(), false)
    );

    // 2. A larger one is truncated.
    let body = format!("{}{}", body, " ".repeat(300_000)).into_bytes();
    let mut rules = rules();
    rules.tolerance.max_body_bytes = 1_000_000;
    let assessment = assess(
        &IncomingRequest::new(&header_map(&signed(&body)), &body),
        &hook_set(),
        now(),
        &rules,
    );
    let Assessment::Forward {
        content: Content::Unexpected {
            body_base64, truncated, ..
        },
        ..
    } = assessment
    else {
        panic!("expected a forwarded delivery")
    };
    assert_eq!(
        (STANDARD.decode(body_base64).unwrap().len(), truncated),
        (MAX_UNEXPECTED_BYTES, true)
    );
}

#[test]
fn only_json_or_no_content_type_is_accepted() {
    let body = merged().to_string().into_bytes();
    let cases = [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("application/vnd.gitlab+json", true),
        ("application/x-www-form-urlencoded", false),
        ("text/plain", false),
        ("application/json, text/plain", false),
        ("", false),
        ("größe", false),
    ];
    for (content_type, taken) in cases {
        let mut headers = signed(&body);
        headers[0].1 = content_type.to_owned();
        let unsupported = Assessment::Refuse {
            why: Refusal::UnsupportedMediaType,
            hook: None,
            project: None,
        };
        assert_eq!(assessed(&headers, &body) != unsupported, taken, "{content_type}");
    }
    assert!(matches!(
        assessed(&signed(&body)[1..].to_vec(), &body),
        Assessment::Forward { .. }
    ));
}

#[test]
fn size_is_checked_before_anything_else() {
    let body = vec![b' '; TOLERANCE.max_body_bytes + 1];
    let headers = vec![("content-type", "text/plain".to_owned())];
    assert_eq!(rejection(&assessed(&headers, &body)), Rejection::TooLarge);
}
