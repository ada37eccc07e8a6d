//! Database address and login, from the secret.

mod url;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ::tls::private_authorities;
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio_postgres::config::Host;

use self::url::must_use_tls;

/// Maximum time for one TCP connection; the login after it has the same limit again.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a database secret cannot be used. Messages name fields, never values.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreConfigError {
    /// The secret is not the JSON object expected.
    #[error(
        "the database secret must be a JSON object with `url`, or with `username`, `password`, `host`, `port` and `dbname`"
    )]
    NotAnObject,
    /// A field is missing.
    #[error("the database secret has neither `url` nor `{0}`")]
    Missing(&'static str),
    /// The URL is invalid.
    #[error(
        "the database URL cannot be read as postgres://user:password@host:port/dbname; special characters in the password \
         must be percent-encoded"
    )]
    Url,
    /// The URL lacks a part.
    #[error("the database URL has no {0}")]
    UrlLacks(&'static str),
    /// A list of hosts.
    #[error("the database URL names several hosts; use one (a proxy or a cluster endpoint handles the failover)")]
    SeveralHosts,
    /// `sslmode` has a value Postgres does not know.
    #[error("the database URL's sslmode must be disable, prefer, require, verify-ca or verify-full")]
    SslMode,
    /// Unencrypted over a network.
    #[error(
        "sslmode=disable is rejected: the database is not on this machine, and its password must not cross a network in clear text"
    )]
    ClearText,
    /// A certificate file named in the URL.
    #[error(
        "sslrootcert in the database URL is not supported; put the certificate's PEM text into the secret's field `ca_pem`"
    )]
    RootCertificateFile,
    /// `ca_pem` is unreadable.
    #[error("the database secret's `ca_pem` contains no readable PEM certificate")]
    CaPem,
}

/// Database address for secrets that hold only a login, such as those managed by RDS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseAddress {
    /// Host name, as in its certificate.
    pub host: Option<String>,
    /// TCP port; `None`: 5432.
    pub port: Option<u16>,
    /// Name of the database.
    pub database: Option<String>,
}

/// A database and a login. TLS with full verification is required unless the database is on this machine.
#[derive(Clone)]
pub struct DatabaseConfig {
    host: Host,
    address: Option<IpAddr>,
    port: u16,
    database: String,
    user: String,
    password: Option<SecretString>,
    tls: bool,
    authorities: Vec<CertificateDer<'static>>,
}

/// The secret's two forms; unknown fields (RDS writes `engine` and more) are ignored.
#[derive(Deserialize)]
struct Secret {
    url: Option<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    host: Option<String>,
    port: Option<serde_json::Value>,
    dbname: Option<String>,
    ca_pem: Option<String>,
}

impl DatabaseConfig {
    /// Parses a database secret: `{"url"}` or the RDS form, each with an optional `ca_pem`, the PEM text of private certificate
    /// authorities to trust in addition to the public ones. Fields missing in the RDS form are taken from `address`.
    ///
    /// # Errors
    /// [`StoreConfigError`] names the wrong field.
    pub fn from_secret(secret: &SecretString, address: &DatabaseAddress) -> Result<Self, StoreConfigError> {
        let secret: Secret = serde_json::from_str(secret.expose_secret()).map_err(|_| StoreConfigError::NotAnObject)?;
        let mut config = if let Some(url) = &secret.url {
            Self::from_url(url)?
        } else {
            Self::from_fields(&secret, address)?
        };
        if let Some(pem) = &secret.ca_pem {
            config = config.with_authorities(pem)?;
        }
        Ok(config)
    }

    fn from_fields(secret: &Secret, address: &DatabaseAddress) -> Result<Self, StoreConfigError> {
        let text = |value: &Option<String>, otherwise: &Option<String>, name| {
            let value = [value, otherwise].into_iter().flatten().find(|value| !value.is_empty());
            value.cloned().ok_or(StoreConfigError::Missing(name))
        };
        let host = text(&secret.host, &address.host, "host")?;
        let host = if host.starts_with('/') {
            Host::Unix(PathBuf::from(host))
        } else {
            Host::Tcp(host)
        };
        let port = match &secret.port {
            None => address.port.or(Some(5432)),
            Some(serde_json::Value::String(digits)) => digits.parse().ok(),
            Some(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        };
        Ok(Self {
            tls: must_use_tls(&host, None, None)?,
            host,
            address: None,
            port: port.ok_or(StoreConfigError::Missing("port"))?,
            database: text(&secret.dbname, &address.database, "dbname")?,
            user: text(&secret.username, &None, "username")?,
            password: Some(secret.password.clone().ok_or(StoreConfigError::Missing("password"))?),
            authorities: Vec::new(),
        })
    }

    /// Also trusts these private certificate authorities.
    ///
    /// # Errors
    /// [`StoreConfigError::CaPem`] if the text holds no certificate, or a broken one.
    pub fn with_authorities(mut self, pem: &str) -> Result<Self, StoreConfigError> {
        self.authorities = private_authorities(pem).map_err(|_| StoreConfigError::CaPem)?;
        Ok(self)
    }

    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The login's password, if there is one.
    #[must_use]
    pub fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    pub(crate) fn uses_tls(&self) -> bool {
        self.tls
    }

    /// The server's name; `None`: a socket of this machine.
    pub(crate) fn host_name(&self) -> Option<&str> {
        match &self.host {
            Host::Tcp(name) => Some(name),
            Host::Unix(_) => None,
        }
    }

    pub(crate) fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    pub(crate) fn driver_config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        match &self.host {
            Host::Tcp(name) => config.host(name),
            Host::Unix(path) => config.host_path(path),
        };
        if let Some(address) = self.address {
            config.hostaddr(address);
        }
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        config
            .port(self.port)
            .dbname(&self.database)
            .user(&self.user)
            .application_name("countersign")
            .connect_timeout(CONNECT_TIMEOUT)
            .ssl_mode(if self.tls {
                tokio_postgres::config::SslMode::Require
            } else {
                tokio_postgres::config::SslMode::Disable
            });
        config
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("user", &self.user)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
