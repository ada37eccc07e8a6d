//! Options of the client; the only place that builds one.

use std::time::Duration;

use super::tls;

/// Settings of the HTTP client.
#[derive(Debug, Clone)]
pub struct Options {
    /// Time limit for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Time limit for one whole request, answer included.
    pub timeout: Duration,
    /// How long an idle connection is kept. Seconds: while Lambda freezes the process, the far side closes it.
    pub idle_timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub body_limit: usize,
    /// Certificates of private authorities, PEM, trusted in addition to the public roots.
    pub private_ca_pem: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5),
            body_limit: 10 * 1024 * 1024,
            private_ca_pem: None,
        }
    }
}

/// The client could not be built. Fix the configuration.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// The private CA cannot be used.
    #[error(transparent)]
    Authority(#[from] ::tls::AuthorityError),
    /// The TLS stack rejects the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The client rejects the settings.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

#[expect(clippy::disallowed_methods, reason = "the one place that builds a client")]
pub(super) fn build(options: &Options) -> Result<reqwest::Client, HttpSetupError> {
    let tls = tls::config(options.private_ca_pem.as_deref())?;
    let builder = reqwest::Client::builder();
    let client = builder
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout)
        .pool_idle_timeout(options.idle_timeout)
        // Redirects could carry a token to another host, and a request to a target that the audit log does not show.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // The environment must not be able to insert a proxy between us and the target.
        .no_proxy()
        .build()?;
    Ok(client)
}
