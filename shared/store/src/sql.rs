//! Conversions between our types and SQL's.

mod columns;
mod statement;

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use model::sha256_hex;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::{IsNull, Json, ToSql, Type, to_sql_checked};

pub(crate) use self::columns::{
    code_column, column, from_code, json_column, key_columns, optional_code_column, optional_json_column, user_columns,
};
pub(crate) use self::statement::{Insert, KEY, STAYS_KNOWN, Statement};
use crate::StoreError;

/// Postgres indexes nothing longer than about 2700 bytes; a delivery key comes from a sender's header.
const LONGEST_KEY: usize = 512;

/// Postgres text cannot hold NUL: it is replaced, so that a malicious title cannot keep its merge request out of the record.
pub(crate) fn clean_text(value: &str) -> Cow<'_, str> {
    if value.contains('\0') {
        Cow::Owned(value.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(value)
    }
}

pub(crate) fn texts(values: &[String]) -> Vec<Cow<'_, str>> {
    values.iter().map(|value| clean_text(value)).collect()
}

pub(crate) fn optional_text(value: Option<&String>) -> Option<Cow<'_, str>> {
    value.map(|value| clean_text(value))
}

/// A delivery key that fits an index; a longer one is replaced by its digest.
pub(crate) fn key(value: &str) -> Cow<'_, str> {
    if value.len() <= LONGEST_KEY {
        return clean_text(value);
    }
    Cow::Owned(format!("sha256:{}", sha256_hex(value.as_bytes())))
}

/// A structured value as `jsonb`, with NUL replaced as in [`clean_text`].
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
            "{} is not a code",
            std::any::type_name::<T>()
        ))),
    }
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        _ => {}
    }
}

/// A structured value as JSON text, with NUL replaced as in [`clean_text`]: the server parses it into `jsonb`.
#[derive(Debug)]
pub(crate) struct JsonText(String);

impl JsonText {
    pub(crate) fn of<T: Serialize>(value: &T) -> Result<Self, StoreError> {
        let text = serde_json::to_string(value)
            .map_err(|_| StoreError::Rejected(format!("{} cannot be written as JSON", std::any::type_name::<T>())))?;
        // NUL as written in JSON.
        if text.contains("\\u0000") {
            return Ok(Self(json(value)?.0.to_string()));
        }
        Ok(Self(text))
    }
}

impl ToSql for JsonText {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // Version of the binary `jsonb` format.
        out.extend_from_slice(&[1]);
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::JSONB
    }

    to_sql_checked!();
}

/// The codes of reasons, in order.
pub(crate) fn reason_codes(reasons: &[model::Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.kind.as_str()).collect()
}
