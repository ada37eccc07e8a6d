//! Between our types and SQL's.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSqlOwned, Json};

use crate::StoreError;

/// Postgres indexes nothing longer than about 2700 bytes; a delivery key is a sender's header.
const LONGEST_KEY: usize = 512;

/// Postgres text cannot hold NUL: replaced, so that a hostile title cannot keep its merge request out of the record.
pub(crate) fn text(value: &str) -> Cow<'_, str> {
    if value.contains('\0') {
        Cow::Owned(value.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(value)
    }
}

pub(crate) fn texts(values: &[String]) -> Vec<Cow<'_, str>> {
    values.iter().map(|value| text(value)).collect()
}

pub(crate) fn optional_text(value: Option<&String>) -> Option<Cow<'_, str>> {
    value.map(|value| text(value))
}

/// A delivery key that fits an index; a longer one is replaced by its digest.
pub(crate) fn key(value: &str) -> Cow<'_, str> {
    if value.len() <= LONGEST_KEY {
        return text(value);
    }
    let digest = Sha256::digest(value.as_bytes())
        .iter()
        .fold(String::from("sha256:"), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
    Cow::Owned(digest)
}

/// A structured value as `jsonb`, with NUL replaced as in [`text`].
pub(crate) fn json<T: Serialize>(value: &T) -> Result<Json<Value>, StoreError> {
    let mut value = serde_json::to_value(value)
        .map_err(|_| StoreError::Rejected(format!("{} cannot be written as JSON", std::any::type_name::<T>())))?;
    clean(&mut value);
    Ok(Json(value))
}

/// The stable code of a value that serialises as a string.
pub(crate) fn code<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match json(value)?.0 {
        Value::String(code) => Ok(code),
        _ => Err(StoreError::Rejected(format!(
            "{} is no code",
            std::any::type_name::<T>()
        ))),
    }
}

/// Reads what [`code`] wrote.
pub(crate) fn from_code<T: DeserializeOwned>(column: &str, code: String) -> Result<T, StoreError> {
    serde_json::from_value(Value::String(code)).map_err(|_| StoreError::corrupt(column))
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        _ => {}
    }
}

/// Reads a column.
pub(crate) fn column<T: FromSqlOwned>(row: &Row, name: &'static str) -> Result<T, StoreError> {
    row.try_get(name).map_err(|_| StoreError::corrupt(name))
}

/// Reads a `jsonb` column that may be null.
pub(crate) fn optional_json_column<T: DeserializeOwned>(
    row: &Row,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    let value = column::<Option<Json<Value>>>(row, name)?;
    let read = value.map(|Json(value)| serde_json::from_value(value));
    read.transpose().map_err(|_| StoreError::corrupt(name))
}

/// Reads a `jsonb` column.
pub(crate) fn json_column<T: DeserializeOwned>(row: &Row, name: &'static str) -> Result<T, StoreError> {
    let Json(value) = column::<Json<Value>>(row, name)?;
    serde_json::from_value(value).map_err(|_| StoreError::corrupt(name))
}
