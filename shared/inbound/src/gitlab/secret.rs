//! The stored secret of the webhook function.

mod entry;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

use crate::gitlab::stream::StreamFields;
use crate::keys::ListEntry;
use crate::producer::ProducerFields;
pub use entry::{EntryDefect, HookEntry};

/// One stored version of the webhook secret, as JSON. Unknown fields beside the lists are ignored, for newer versions; in a hook
/// they disable it, see [`EntryDefect`].
#[derive(Debug, Clone, Default, Deserialize)]
pub struct WebhookSecret {
    /// The hooks configured in GitLab.
    #[serde(default, deserialize_with = "null_is_default")]
    pub hooks: Vec<HookEntry>,
    /// Services that may send entries of the audit log.
    #[serde(default, deserialize_with = "null_is_default")]
    pub audit_producers: Vec<ListEntry<ProducerFields>>,
    /// GitLab's audit event streams.
    #[serde(default, deserialize_with = "null_is_default")]
    pub gitlab_streams: Vec<ListEntry<StreamFields>>,
}

/// The secret is not the expected JSON. Reports the position, never the content.
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
    /// [`SecretUnreadable`] if it is not JSON of the expected type. A malformed hook or token is not such an error:
    /// [`crate::gitlab::HookSet::merge`] reports it, and it disables only itself.
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

/// Reads `null` as the default, since people write it for "none".
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
