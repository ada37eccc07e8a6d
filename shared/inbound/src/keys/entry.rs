//! One entry of a list, parsed separately.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An entry as read; it never repeats a value in an error.
#[derive(Debug, Clone)]
pub struct ListEntry<F> {
    /// Its name, which stays reserved even if the rest is invalid: an older version of the entry must not be used instead.
    pub name: String,
    /// Its fields, or where the first invalid one is.
    pub fields: Result<F, EntryPosition>,
}

/// Where an entry has an unknown field, or one of an unexpected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field is unknown, missing or of an unexpected type, at line {line}, column {column} of the entry")]
pub struct EntryPosition {
    /// Line within the entry, from 1.
    pub line: usize,
    /// Column within the line, from 1.
    pub column: usize,
}

#[derive(Default, Deserialize)]
struct NameOnly {
    #[serde(default)]
    name: Option<String>,
}

impl<'de, F: DeserializeOwned> Deserialize<'de> for ListEntry<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entry = <&RawValue>::deserialize(deserializer)?.get();
        let NameOnly { name } = serde_json::from_str(entry).unwrap_or_default();
        let fields = serde_json::from_str(entry).map_err(|error: serde_json::Error| EntryPosition {
            line: error.line(),
            column: error.column(),
        });
        Ok(Self {
            name: name.unwrap_or_default(),
            fields,
        })
    }
}
