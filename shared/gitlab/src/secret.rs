//! The webhook function's secret as it is stored.

use std::collections::BTreeSet;

use model::ProjectId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

/// One stored version of the webhook secret, as JSON has it. Unknown fields are left for newer versions to use.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct WebhookSecret {
    /// The hooks configured in GitLab.
    #[serde(default, deserialize_with = "null_is_default")]
    pub hooks: Vec<HookEntry>,
    /// Services that may post audit events, one key each.
    #[serde(default, deserialize_with = "null_is_default")]
    pub audit_producers: Vec<AuditProducer>,
    /// Verification tokens of GitLab's audit event streams.
    #[serde(default, deserialize_with = "null_is_default")]
    pub gitlab_stream_tokens: Vec<SecretString>,
}

/// One hook of the secret: its tokens, and what they are bound to.
#[derive(Debug, Clone, Deserialize)]
pub struct HookEntry {
    /// Our own name for it, as it stands in the audit trail.
    pub name: String,
    /// Our own name for the GitLab instance; part of every key, never taken from a header.
    pub instance: String,
    /// `whsec_…` tokens, several during a rotation: GitLab replaces a hook's token at once.
    #[serde(default, deserialize_with = "null_is_default")]
    pub signing_tokens: Vec<SecretString>,
    /// Legacy plain tokens (`X-Gitlab-Token`).
    #[serde(default, deserialize_with = "null_is_default")]
    pub secret_tokens: Vec<SecretString>,
    /// Projects the hook may speak for, by id; empty together with `namespaces` for every project.
    #[serde(default, deserialize_with = "null_is_default")]
    pub projects: BTreeSet<ProjectId>,
    /// Namespaces the hook may speak for, such as `group/` or `group/subgroup/`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub namespaces: Vec<String>,
}

/// A service that may post audit events.
#[derive(Debug, Clone, Deserialize)]
pub struct AuditProducer {
    /// Its name in the audit trail.
    pub name: String,
    /// Its key.
    pub key: SecretString,
}

/// The secret is not the JSON expected. Says where, and never what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook secret cannot be read ({kind} at line {line}, column {column}); correct it in Secrets Manager")]
pub struct SecretUnreadable {
    kind: &'static str,
    line: usize,
    column: usize,
}

impl WebhookSecret {
    /// Reads one stored version.
    ///
    /// # Errors
    /// [`SecretUnreadable`] if it is not JSON of the expected shape. A token of the wrong form is no such error: it is
    /// reported by [`crate::HookSet::merge`] and disables itself only.
    pub fn parse(json: &SecretString) -> Result<Self, SecretUnreadable> {
        serde_json::from_str(json.expose_secret()).map_err(|error| SecretUnreadable {
            kind: if error.is_data() {
                "unexpected shape"
            } else {
                "invalid JSON"
            },
            line: error.line(),
            column: error.column(),
        })
    }
}

/// Reads `null` as the default, as people write it for "none".
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
