//! One hook of the secret, parsed separately: an invalid entry disables itself, not the others.

use std::collections::{BTreeMap, BTreeSet};

use model::ProjectId;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::null_is_default;

/// Longest unknown field name that is repeated; a longer one is hardly a misspelled field.
const MAX_FIELD_BYTES: usize = 32;

/// One hook of the secret: its tokens and their bindings.
#[derive(Debug, Clone, Default)]
pub struct HookEntry {
    /// Our own name for it, also in the audit log.
    pub name: String,
    /// Our own name for the GitLab instance; part of every key, never taken from a header.
    pub instance: String,
    /// `whsec_…` tokens, several during a rotation: GitLab replaces a hook's token without a transition.
    pub signing_tokens: Vec<SecretString>,
    /// Legacy plain tokens (`X-Gitlab-Token`).
    pub secret_tokens: Vec<SecretString>,
    /// Projects the hook is accepted for, by id; if this and `namespaces` are empty, every project.
    pub projects: BTreeSet<ProjectId>,
    /// Namespaces the hook is accepted for, such as `group/` or `group/subgroup/`.
    pub namespaces: Vec<String>,
    /// Why the entry must not be used.
    pub defect: Option<EntryDefect>,
}

/// Why an entry must not be used: if misspellings were ignored, a misspelled `projects` would open the hook to every project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryDefect {
    /// A field that no hook has.
    #[error("the field {0} is unknown")]
    UnknownField(String),
    /// A field of the wrong type.
    #[error("a field has an unexpected type, at line {line}, column {column} of the entry")]
    Shape {
        /// Line within the entry, from 1.
        line: usize,
        /// Column within the line, from 1.
        column: usize,
    },
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "null_is_default")]
    name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    instance: String,
    #[serde(default, deserialize_with = "null_is_default")]
    signing_tokens: Vec<SecretString>,
    #[serde(default, deserialize_with = "null_is_default")]
    secret_tokens: Vec<SecretString>,
    #[serde(default, deserialize_with = "null_is_default")]
    projects: BTreeSet<ProjectId>,
    #[serde(default, deserialize_with = "null_is_default")]
    namespaces: Vec<String>,
    #[expect(
        clippy::zero_sized_map_values,
        reason = "serde collects unknown fields into a map only"
    )]
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct NameOnly {
    #[serde(default, deserialize_with = "null_is_default")]
    name: String,
}

impl<'de> Deserialize<'de> for HookEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entry = <&RawValue>::deserialize(deserializer)?.get();
        Ok(match serde_json::from_str::<Fields>(entry) {
            Ok(fields) => fields.into(),
            Err(error) => Self {
                // The name stays reserved, so that an older version of the entry is not used instead.
                name: serde_json::from_str::<NameOnly>(entry).unwrap_or_default().name,
                defect: Some(EntryDefect::Shape {
                    line: error.line(),
                    column: error.column(),
                }),
                ..Self::default()
            },
        })
    }
}

impl From<Fields> for HookEntry {
    fn from(fields: Fields) -> Self {
        Self {
            name: fields.name,
            instance: fields.instance,
            signing_tokens: fields.signing_tokens,
            secret_tokens: fields.secret_tokens,
            projects: fields.projects,
            namespaces: fields.namespaces,
            defect: fields
                .unknown
                .keys()
                .next()
                .map(|field| EntryDefect::UnknownField(shown(field))),
        }
    }
}

/// The field's name if it looks like one; a misplaced token is not repeated.
fn shown(field: &str) -> String {
    let plain = (1..=MAX_FIELD_BYTES).contains(&field.len())
        && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain {
        format!("`{field}`")
    } else {
        "with a name that is not repeated here".to_owned()
    }
}
