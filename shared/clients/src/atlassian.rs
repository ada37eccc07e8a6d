//! What Jira and Confluence have in common: authentication.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::InvalidAddress;

/// A credential as stored in the outbound secret: `{"email": "...", "api_token": "..."}` or `{"access_token": "..."}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum AtlassianCredential {
    /// Cloud: an account's e-mail address and its API token (HTTP Basic).
    ApiToken { email: String, api_token: SecretString },
    /// Data Center: a personal access token. Cloud: the access token of an OAuth application.
    AccessToken { access_token: SecretString },
}

impl AtlassianCredential {
    /// The value of the header `Authorization`.
    pub(crate) fn header(&self) -> Result<HeaderValue, InvalidAddress> {
        let text = match self {
            Self::ApiToken { email, api_token } => {
                if api_token.expose_secret().contains(|c: char| c.is_control() || c == ' ') {
                    return Err(InvalidAddress::Token);
                }
                let pair = format!("{}:{}", email.trim(), api_token.expose_secret());
                format!("Basic {}", STANDARD.encode(pair))
            }
            Self::AccessToken { access_token } => format!("Bearer {}", access_token.expose_secret()),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| InvalidAddress::Token)?;
        value.set_sensitive(true);
        Ok(value)
    }
}
