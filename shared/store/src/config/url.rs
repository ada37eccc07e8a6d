//! Database URLs, and when TLS is required.

use std::net::IpAddr;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::Host;

use super::{DatabaseConfig, StoreConfigError};

impl DatabaseConfig {
    /// Reads a URL `postgres://user:password@host:port/dbname?sslmode=...`.
    ///
    /// Without `sslmode`, and for `prefer` and `require` too, the server's certificate and name are verified; only a server on this
    /// machine (a loopback address, a unix socket) is used without TLS unless `sslmode` is `require` or stricter.
    ///
    /// # Errors
    /// [`StoreConfigError`] names the problem.
    pub fn from_url(url: &SecretString) -> Result<Self, StoreConfigError> {
        let (url, ssl_mode) = split_ssl_mode(url.expose_secret())?;
        let parsed = tokio_postgres::Config::from_str(url.expose_secret()).map_err(|_| StoreConfigError::Url)?;
        let host = match parsed.get_hosts() {
            [] => return Err(StoreConfigError::UrlLacks("host")),
            [one] => one.clone(),
            _ => return Err(StoreConfigError::SeveralHosts),
        };
        let address = match parsed.get_hostaddrs() {
            [] => None,
            [one] => Some(*one),
            _ => return Err(StoreConfigError::SeveralHosts),
        };
        let password = match parsed.get_password() {
            Some(bytes) => Some(SecretString::from(
                String::from_utf8(bytes.to_vec()).map_err(|_| StoreConfigError::Url)?,
            )),
            None => None,
        };
        let user = parsed
            .get_user()
            .filter(|user| !user.is_empty())
            .ok_or(StoreConfigError::UrlLacks("user"))?;
        let database = parsed
            .get_dbname()
            .filter(|name| !name.is_empty())
            .ok_or(StoreConfigError::UrlLacks("database"))?;
        Ok(Self {
            tls: must_use_tls(&host, address, ssl_mode)?,
            host,
            address,
            port: parsed.get_ports().first().copied().unwrap_or(5432),
            database: database.to_owned(),
            user: user.to_owned(),
            password,
            authorities: Vec::new(),
        })
    }
}

/// How strictly the URL requires TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    Prefer,
    Require,
}

/// Takes `sslmode` out of the URL: the driver knows fewer values than Postgres, and we are stricter than both.
fn split_ssl_mode(url: &str) -> Result<(SecretString, Option<SslMode>), StoreConfigError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(StoreConfigError::Url);
    }
    // A password that is not percent-encoded would be parsed as a host or an option, and printed.
    let at = url.find('@');
    if at != url.rfind('@') || at.zip(url.find('?')).is_some_and(|(at, query)| query < at) {
        return Err(StoreConfigError::Url);
    }
    let Some((base, query)) = url.split_once('?') else {
        return Ok((SecretString::from(url), None));
    };
    let mut mode = None;
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("sslmode", "disable") => mode = Some(SslMode::Disable),
            ("sslmode", "allow" | "prefer") => mode = Some(SslMode::Prefer),
            ("sslmode", "require" | "verify-ca" | "verify-full") => mode = Some(SslMode::Require),
            ("sslmode", _) => return Err(StoreConfigError::SslMode),
            ("sslrootcert", "system") => {}
            ("sslrootcert", _) => return Err(StoreConfigError::RootCertificateFile),
            _ => kept.push(pair),
        }
    }
    let rebuilt = if kept.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", kept.join("&"))
    };
    Ok((SecretString::from(rebuilt), mode))
}

pub(super) fn must_use_tls(
    host: &Host,
    address: Option<IpAddr>,
    mode: Option<SslMode>,
) -> Result<bool, StoreConfigError> {
    let host_is_local = match host {
        Host::Unix(_) => return Ok(false), // never crosses a network, and there is no name to verify
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
    };
    match (host_is_local && address.is_none_or(|ip| ip.is_loopback()), mode) {
        (true, mode) => Ok(mode == Some(SslMode::Require)),
        (false, Some(SslMode::Disable)) => Err(StoreConfigError::ClearText),
        (false, _) => Ok(true),
    }
}
