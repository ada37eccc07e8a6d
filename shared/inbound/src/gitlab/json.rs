//! Reads the wanted part of a JSON document: everything else is skipped without being built.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Longest array that is kept; the rest is skipped.
pub(crate) const MAX_ITEMS: usize = 5_000;

/// Which part of a document is wanted. The shape, not the document, limits how deep the reader goes.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Wanted members if it is an object.
    pub(crate) fields: &'static [(&'static str, &'static Shape)],
    /// Wanted elements if it is an array.
    pub(crate) items: Option<&'static Shape>,
}

/// A scalar; an object or array in its place is read as an empty one.
pub(crate) const SCALAR: Shape = Shape {
    fields: &[],
    items: None,
};

/// Reads the wanted part of a document.
///
/// Returns `None` for anything but one UTF-8 JSON document. An unexpected type is not an error: the caller gets the value unchanged.
pub(crate) fn read_document(document: &[u8], shape: &'static Shape) -> Option<Value> {
    // The parser does not validate skipped strings.
    let document = std::str::from_utf8(document).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let value = shape.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

impl<'de> DeserializeSeed<'de> for &'static Shape {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &'static Shape {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        if let Some(shape) = self.items {
            while items.len() < MAX_ITEMS
                && let Some(item) = sequence.next_element_seed(shape)?
            {
                items.push(item);
            }
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match self.fields.iter().find(|(name, _)| *name == key) {
                Some((_, shape)) => {
                    members.insert(key, map.next_value_seed(*shape)?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
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
}
