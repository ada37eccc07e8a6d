//! Error messages of an unreadable secret.

use super::*;

#[test]
fn an_unreadable_secret_says_where_and_never_what() {
    let cases = [
        ("{\n\"hooks\": \"hunter2\"}", "unexpected shape at line 2"),
        ("{\"hooks\": {\"hunter2\": 5}}", "unexpected shape at line 1"),
        ("hunter2", "invalid JSON at line 1"),
        ("", "invalid JSON at line 1"),
    ];
    for (json, expected) in cases {
        let error = WebhookSecret::parse(&json.into()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn an_entry_not_understood_keeps_only_its_name() {
    let cases = [
        (
            r#"{"name": "a", "project": [7]}"#,
            "a",
            "the field `project` is unknown",
        ),
        (
            r#"{"name": "a", "Hunter2": [7]}"#,
            "a",
            "the field with a name that is not repeated here is unknown",
        ),
        (
            r#"{"name": "a", "secret_tokens": ["hunter2"], "projects": "7"}"#,
            "a",
            "a field has an unexpected type, at line 1, column 59 of the entry",
        ),
        (
            r#"{"name": 5}"#,
            "",
            "a field has an unexpected type, at line 1, column 10 of the entry",
        ),
        (
            r#""hunter2""#,
            "",
            "a field has an unexpected type, at line 1, column 9 of the entry",
        ),
    ];
    for (entry, name, expected) in cases {
        let secret = WebhookSecret::parse(&format!(r#"{{"hooks": [{entry}]}}"#).into()).unwrap();
        let read = &secret.hooks[0];
        assert_eq!(read.name, name, "{entry}");
        assert_eq!(read.defect.as_ref().unwrap().to_string(), expected, "{entry}");
    }
}
