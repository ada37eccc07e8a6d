//! Authentication at a receiver: a bearer token, or a custom header.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::InvalidAddress;

/// A credential as stored in the secret: `{"bearer": "..."}` or `{"header": {"name": "...", "value": "..."}}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiemCredential {
    /// `Authorization: Bearer` (RFC 6750, section 2.1).
    Bearer(SecretString),
    /// A header by its name, as many receivers require.
    Header { name: String, value: SecretString },
}

impl SiemCredential {
    pub(super) fn header(&self) -> Result<(HeaderName, HeaderValue), InvalidAddress> {
        let (name, value) = match self {
            Self::Bearer(token) => (
                AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {}", token.expose_secret())),
            ),
            Self::Header { name, value } => (
                HeaderName::try_from(name.as_str()).map_err(|_| InvalidAddress::Header)?,
                HeaderValue::try_from(value.expose_secret()),
            ),
        };
        let mut value = value.map_err(|_| InvalidAddress::Token)?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}
