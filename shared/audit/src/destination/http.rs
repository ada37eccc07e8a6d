//! HTTP: each batch one POST of a JSON array, for services that bring no client of their own.

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use url::Url;

use super::{DeliveryError, Destination, Outgoing, SetupError, http_batch, setup};
use failure::unavailable;

mod failure;

/// How much of an answer's body is read, in bytes; the rest means nothing to us.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// Headers that the request has already.
const RESERVED: [&str; 6] = [
    "host",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "idempotency-key",
];

/// What a receiver knows us by.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// `Authorization: Bearer <token>`.
    Bearer(SecretString),
    /// A header of the receiver's own, such as `DD-API-KEY`, or `Authorization` with `Splunk <token>`.
    Header {
        /// Its name.
        name: String,
        /// Its whole value.
        value: SecretString,
    },
}

/// How to post.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// None: the receiver asks for none.
    pub credentials: Option<Credentials>,
    /// Certificates of private authorities, PEM, trusted besides the public roots.
    pub private_ca_pem: Option<String>,
    /// Longest time to a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest time of one batch, answer included.
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

/// Posts to one receiver. `Ok` means that it answered 2xx, and the answer came whole.
pub struct HttpDestination {
    agent: Agent,
    endpoint: Url,
    credentials: Option<(HeaderName, HeaderValue)>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for HttpDestination {
    /// Without the endpoint, whose path or query is a secret at some receivers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpDestination").finish_non_exhaustive()
    }
}

impl HttpDestination {
    /// A destination at an `http` or `https` address. Redirects, cookies and proxies (of the environment too) are not followed or used.
    ///
    /// # Errors
    /// [`SetupError`] if the private authorities or the credentials cannot be used, or would go in clear to another machine.
    pub fn new(endpoint: Url, options: HttpOptions, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let credentials = options.credentials.as_ref().map(header).transpose()?;
        if credentials.is_some() && !http_batch::may_carry_credentials(&endpoint) {
            return Err(SetupError::CredentialsInClear);
        }
        let config = Agent::config_builder()
            .tls_config(tls(options.private_ca_pem.as_deref())?)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // A redirect could carry the token to another host.
            .max_redirects(0)
            // The environment must not be able to put a listener between us and the receiver.
            .proxy(None)
            .timeout_connect(Some(options.connect_timeout))
            .timeout_global(Some(options.timeout))
            .max_idle_age(Duration::from_secs(5))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            endpoint,
            credentials,
            clock,
        })
    }

    fn post(&self, batch: &[Outgoing<'_>]) -> Result<(u16, Option<Duration>), ureq::Error> {
        let body = http_batch::body(batch);
        let mut request = self
            .agent
            .post(self.endpoint.as_str())
            .header(header::CONTENT_TYPE, http_batch::CONTENT_TYPE)
            .header(http_batch::IDEMPOTENCY_KEY, http_batch::idempotency_key(batch, &body));
        if let Some((name, value)) = &self.credentials {
            request = request.header(name, value);
        }
        let mut response = request.send(body)?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| http_batch::retry_after(value.to_str().ok()?, self.clock.now()));
        // Read, so that an answer that breaks off is none; one that is too long is an answer all the same.
        let mut rest = response.body_mut().as_reader();
        let mut rest = std::io::Read::take(&mut rest, LONGEST_ANSWER);
        std::io::copy(&mut rest, &mut std::io::sink())?;
        Ok((status, retry_after))
    }
}

impl Destination for HttpDestination {
    fn name(&self) -> &'static str {
        "http"
    }

    fn deliver(&mut self, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError> {
        if batch.is_empty() {
            return Ok(());
        }
        let (status, retry_after) = self.post(batch).map_err(|error| unavailable(&error))?;
        http_batch::judge(status, retry_after)
    }
}

fn header(credentials: &Credentials) -> Result<(HeaderName, HeaderValue), SetupError> {
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

fn tls(private_ca_pem: Option<&str>) -> Result<TlsConfig, SetupError> {
    let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
    let private = private_ca_pem.map(setup::authorities).transpose()?.unwrap_or_default();
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
