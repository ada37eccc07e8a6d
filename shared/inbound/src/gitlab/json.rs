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
/// Returns `None` for anything but one UTF-8 JSON document. An unexpected type is not an error: the caller gets the value as it is.
pub(crate) fn read(document: &[u8], shape: &'static Shape) -> Option<Value> {
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
mod tests;
