//! HTTP options: credentials, private authorities, time-outs.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use ureq::http::{HeaderName, HeaderValue, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::destinations::SetupError;

/// Headers that the request already has.
const RESERVED: [&str; 6] = [
    "host",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "idempotency-key",
];

/// Credentials for a receiver.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// `Authorization: Bearer <token>`.
    Bearer(SecretString),
    /// A receiver-specific header such as `DD-API-KEY`, or `Authorization` with `Splunk <token>`.
    Header {
        /// Its name.
        name: String,
        /// Its whole value.
        value: SecretString,
    },
}

/// Options of the HTTP destination.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// `None`: the receiver requires no credentials.
    pub credentials: Option<Credentials>,
    /// Certificates of private authorities, PEM, trusted in addition to the public roots.
    pub private_ca_pem: Option<String>,
    /// Longest time to connect, including TLS.
    pub connect_timeout: Duration,
    /// Longest time for one batch, including the response.
    pub timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            credentials: None,
            private_ca_pem: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
        }
    }
}

/// The header with the credentials, marked as sensitive so that nothing prints it.
pub(super) fn header(credentials: Credentials) -> Result<(HeaderName, HeaderValue), SetupError> {
    let (name, value) = match credentials {
        Credentials::Bearer(token) => {
            let value = format!("Bearer {}", token.expose_secret());
            (header::AUTHORIZATION, HeaderValue::try_from(value))
        }
        Credentials::Header { name, value } => {
            let name = HeaderName::try_from(name).map_err(|_| SetupError::CredentialsUnusable)?;
            (name, HeaderValue::from_str(value.expose_secret()))
        }
    };
    let mut value = value.map_err(|_| SetupError::CredentialsUnusable)?;
    if RESERVED.contains(&name.as_str()) {
        return Err(SetupError::CredentialsUnusable);
    }
    value.set_sensitive(true);
    Ok((name, value))
}

/// rustls with ring, the public roots and the private authorities.
pub(super) fn tls(private_ca_pem: Option<&str>) -> Result<TlsConfig, SetupError> {
    let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
    let private = private_ca_pem
        .map(tls::private_authorities)
        .transpose()?
        .unwrap_or_default();
    let roots: RootCerts = public
        .chain(private)
        .map(|root| Certificate::from_der(&root).to_owned())
        .into();
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}
