//! Parsing the columns of a row.

use model::{MergeRequestIid, MergeRequestKey, ProjectId, User, UserId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSqlOwned, Json};

use crate::StoreError;

pub(crate) fn column<T: FromSqlOwned>(row: &Row, name: &'static str) -> Result<T, StoreError> {
    row.try_get(name).map_err(|_| StoreError::corrupt(name))
}

/// Parses a value written by [`super::code`].
pub(crate) fn code_column<T: DeserializeOwned>(row: &Row, name: &'static str) -> Result<T, StoreError> {
    from_code(name, column(row, name)?)
}

/// The same for a nullable column.
pub(crate) fn optional_code_column<T: DeserializeOwned>(
    row: &Row,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    let code: Option<String> = column(row, name)?;
    code.map(|code| from_code(name, code)).transpose()
}

/// A value from its code.
pub(crate) fn from_code<T: DeserializeOwned>(column: &str, code: String) -> Result<T, StoreError> {
    serde_json::from_value(Value::String(code)).map_err(|_| StoreError::corrupt(column))
}

/// Parses a nullable `jsonb` column.
pub(crate) fn optional_json_column<T: DeserializeOwned>(
    row: &Row,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    let value = row.try_get::<_, Option<Json<T>>>(name);
    value
        .map(|read| read.map(|Json(value)| value))
        .map_err(|_| StoreError::corrupt(name))
}

/// Parses a `jsonb` column.
pub(crate) fn json_column<T: DeserializeOwned>(row: &Row, name: &'static str) -> Result<T, StoreError> {
    optional_json_column(row, name)?.ok_or_else(|| StoreError::corrupt(name))
}

/// Parses the merge request of a row.
pub(crate) fn key_columns(row: &Row) -> Result<MergeRequestKey, StoreError> {
    Ok(MergeRequestKey {
        instance: column(row, "instance")?,
        project_id: ProjectId(column(row, "project_id")?),
        mr_iid: MergeRequestIid(column(row, "mr_iid")?),
    })
}

/// Parses a user from two columns, if both are set.
pub(crate) fn user_columns(row: &Row, id: &'static str, username: &'static str) -> Result<Option<User>, StoreError> {
    let known: (Option<i64>, Option<String>) = (column(row, id)?, column(row, username)?);
    Ok(known.0.zip(known.1).map(|(id, username)| User {
        id: UserId(id),
        username,
    }))
}
