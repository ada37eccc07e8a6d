//! What is removed, what is kept, and that no secret is printed.

use std::borrow::Cow;

use super::redact;

#[test]
fn secret_of_each_kind_is_redacted() {
    for &(text, expected) in SECRETS {
        assert_eq!(redact(text), expected, "{text}");
    }
}

/// Texts with a secret, and the same texts as printed.
const SECRETS: &[(&str, &str)] = &[
    ("glpat-AbCdEf0123456789_-xy", "[token]"),
    ("token glrt-t1_AbCdEf0123 refused", "token [token] refused"),
    ("gldt-AbCdEf01 and glptt-AbCdEf01", "[token] and [token]"),
    ("xoxb-1234-5678-abcdef", "[token]"),
    ("xoxp-1234-5678-abcdef,", "[token],"),
    ("xoxe.xoxp-1-Mi0yLTEyMzQ1", "[token]"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "[token]"),
    ("lin_api_AbCdEf0123456789", "[token]"),
    ("AKIAIOSFODNN7EXAMPLE is the key", "[token] is the key"),
    ("ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "[token]"),
    ("sk-proj-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "[token]"),
    ("path/glpat-AbCdEf0123/more", "path/[token]"),
    ("Authorization: Bearer abc.def", "Authorization: [token]"),
    ("sent bearer 0123456789abcdef to it", "sent bearer [token] to it"),
    ("Basic dXNlcjpwYXNz", "Basic [token]"),
    ("Private-Token: 0123456789abcdef", "Private-Token: [token]"),
    (
        r#"{"password": "hunter2", "user": "x"}"#,
        r#"{"password": "[token]", "user": "x"}"#,
    ),
    (r#"{\"api_key\":\"hunter2\"}"#, r#"{\"api_key\":\"[token]\"}"#),
    ("password=hunter2 rest", "password=[token] rest"),
    ("aws_secret_access_key = hunter2", "aws_secret_access_key = [token]"),
    ("Set-Cookie: a=hunter2; Path=/", "Set-Cookie: [token]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[token]"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest",
        "[pem]\nrest",
    ),
    ("key -----BEGIN PRIVATE KEY-----\nMIIE and so on", "key [pem]"),
    ("alice@example.com", "[e-mail]"),
    ("From: Alice <alice.b+c@mail.example.co.uk>.", "From: Alice <[e-mail]>."),
    ("asked by jürgen@exämple.de today", "asked by [e-mail] today"),
    ("alice%40example.com", "[e-mail]"),
    ("\"alice b\"@example.com", "[e-mail]"),
    ("alice@[192.0.2.1]", "[e-mail]"),
    (
        "https://alice:hunter2@example.com/x",
        "https://[credentials]@example.com/x",
    ),
    (
        "https://alice:hun/ter2@example.com/x",
        "https://[credentials]@example.com/x",
    ),
    (
        "https://oauth2:glpat-AbCdEf0123@example.com",
        "https://[credentials]@example.com",
    ),
    (
        "GET https://example.com/a?page=2&x=y HTTP",
        "GET https://example.com/a?[query] HTTP",
    ),
    ("https://example.com/a?hunter2", "https://example.com/a?[query]"),
    ("/a/b?private=hunter2", "/a/b?[query]"),
    ("https://example.com/#access=hunter2", "https://example.com/#[query]"),
];

#[test]
fn text_without_secrets_is_unchanged_and_not_copied() {
    for text in [
        "",
        "GitLab/19.1.0",
        "no TLS connection: invalid peer certificate: UnknownIssuer",
        "Slack answered invalid_auth",
        "JSON of an unexpected shape (line 1, column 812)",
        "203.0.113.7",
        "018f0000-0000-7000-8000-000000000001",
        "5f1c9a0e8b7d6c5f4e3d2c1b0a99887766554433",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:countersign/webhook-AbCdEf",
        "main/7301!811/no_approval/slack:C0SECLEAD",
        "countersign/database",
        "deliveries.fifo",
        "AccessDeniedException",
        "the token was refused; a glpat- token is needed",
        "risk-tier high, task-force, weighs_1, Berlin_wall_12",
        "why? because",
        "note #12",
        "@alice approved",
        "https://gitlab.example.com:8443/group/app/-/merge_requests/811#note_12",
        "AKIDEXAMPLE",
        "eyJ without a dot",
        "bearer",
        "Überprüfung 100 %",
    ] {
        assert!(
            matches!(redact(text), Cow::Borrowed(same) if same == text),
            "{text}: {}",
            redact(text)
        );
    }
}

#[test]
fn redaction_time_grows_linearly_with_length() {
    // In quadratic time, each of these would take minutes.
    for part in [
        "eyJ",
        "@",
        "a@",
        "%40",
        "://",
        "a:b://",
        "?",
        "-----BEGIN",
        "\"@",
        "bearer ",
        "password:",
        "é@",
        "=",
        "://@",
        "token=",
    ] {
        let text = part.repeat(1_000_000 / part.len());
        assert!(redact(&text).len() <= 12 * text.len());
    }
}

mod leaks;
