//! Only the wanted part is built, at any depth of nesting.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const PAIR: Shape = Shape {
    fields: &[("a", &SCALAR), ("b", &LIST)],
    items: None,
};
const LIST: Shape = Shape {
    fields: &[],
    items: Some(&SCALAR),
};

#[test]
fn unwanted_members_are_skipped_and_nested_ones_emptied() {
    let cases = [
        (
            r#"{"a": 1, "b": [1, "x", null, true, 1.5], "c": {"d": [{}]}}"#,
            json!({"a": 1, "b": [1, "x", null, true, 1.5]}),
        ),
        (r#"{"a": {"x": 1}, "b": {"a": 1}}"#, json!({"a": {}, "b": {}})),
        (r#"{"a": [1, 2], "b": "text"}"#, json!({"a": [], "b": "text"})),
        (r#"{"a": 1, "a": 2}"#, json!({"a": 2})),
        ("[1, {}]", json!([])),
        ("  null ", Value::Null),
        ("-3", json!(-3)),
    ];
    for (document, expected) in cases {
        assert_eq!(read_document(document.as_bytes(), &PAIR), Some(expected), "{document}");
    }
}

#[test]
fn anything_but_one_utf8_json_document_is_unreadable() {
    let cases: [&[u8]; 8] = [
        b"",
        b"{",
        b"{} {}",
        b"{}x",
        b"{'a':1}",
        b"\xef\xbb\xbf{}",
        b"{\"c\":\"\xff\"}",
        b"\x00",
    ];
    for document in cases {
        assert_eq!(read_document(document, &PAIR), None, "{document:?}");
    }
}

#[test]
fn depth_costs_no_stack() {
    let depth = 200_000;
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for member in ["a", "b", "z"] {
        let document = format!(r#"{{"{member}": {}}}"#, nested("[", "]"));
        assert!(read_document(document.as_bytes(), &PAIR).is_some());
        let document = format!(r#"{{"{member}": {}}}"#, nested(r#"{"a":"#, "}"));
        assert!(read_document(document.as_bytes(), &PAIR).is_some());
    }
    assert_eq!(read_document("[".repeat(depth).as_bytes(), &PAIR), None);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_document(&bytes, &PAIR);
    }
}
