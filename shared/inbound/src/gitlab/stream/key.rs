//! A streaming destination of GitLab: its verification token and its instance.

use secrecy::SecretString;
use serde::Deserialize;

use crate::keys::KeyHolder;

/// A streaming destination that GitLab sends to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSource {
    /// Its name in the secret.
    pub name: String,
    /// Our own name for the GitLab instance, never taken from a body.
    pub instance: String,
}

/// An element of `gitlab_streams` in the secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamFields {
    #[serde(rename = "name")]
    _name: String,
    token: SecretString,
    instance: String,
}

impl KeyHolder for StreamSource {
    type Fields = StreamFields;
    const LIST: &'static str = "gitlab_streams";

    fn from_fields(name: &str, fields: &StreamFields) -> Result<(Self, SecretString), String> {
        if name.is_empty() || fields.instance.is_empty() {
            return Err("`name` and `instance` must not be empty".to_owned());
        }
        let source = Self {
            name: name.to_owned(),
            instance: fields.instance.clone(),
        };
        Ok((source, fields.token.clone()))
    }

    fn name(&self) -> &str {
        &self.name
    }
}
