//! What the secret says when it cannot be read.

use super::*;

#[test]
fn an_unreadable_secret_says_where_and_never_what() {
    let cases = [
        ("{\"hooks\": [\n\"hunter2\"]}", "unexpected shape at line 2"),
        (
            "{\"hooks\": [{\"name\": \"a\", \"instance\": 5, \"secret_tokens\": [\"hunter2\"]}]}",
            "unexpected shape at line 1",
        ),
        ("hunter2", "invalid JSON at line 1"),
        ("", "invalid JSON at line 1"),
    ];
    for (json, expected) in cases {
        let error = WebhookSecret::parse(&json.into()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
