//! HTTP: each batch is one POST of a JSON array, for services without their own client.

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, header};
use url::Url;

use super::{SetupError, http_batch};
use crate::destination::{DeliveryError, Destination, Outgoing};
use failure::unavailable;
pub use options::{Credentials, HttpOptions};

mod failure;
mod options;

/// How much of a response body is read, in bytes; the rest is ignored.
const LONGEST_ANSWER: u64 = 256 * 1024;

/// Posts to one receiver. `Ok` means that it returned 2xx with a complete response.
pub struct HttpDestination {
    agent: Agent,
    endpoint: Url,
    credentials: Option<(HeaderName, HeaderValue)>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for HttpDestination {
    /// Omits the endpoint, whose path or query is a secret at some receivers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpDestination").finish_non_exhaustive()
    }
}

impl HttpDestination {
    /// A destination at an `http` or `https` address. Redirects, cookies and proxies (also of the environment) are not used.
    ///
    /// # Errors
    /// [`SetupError`] if the private authorities or the credentials are unusable, or would be sent in clear text to another machine.
    pub fn new(endpoint: Url, options: HttpOptions, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let HttpOptions {
            credentials,
            private_ca_pem,
            connect_timeout,
            timeout,
        } = options;
        let credentials = credentials.map(options::header).transpose()?;
        if credentials.is_some() && !http_batch::may_carry_credentials(&endpoint) {
            return Err(SetupError::CredentialsInClear);
        }
        let config = Agent::config_builder()
            .tls_config(options::tls(private_ca_pem.as_deref())?)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // A redirect could carry the token to another host.
            .max_redirects(0)
            // The environment must not be able to put a listener between us and the receiver.
            .proxy(None)
            .timeout_connect(Some(connect_timeout))
            .timeout_global(Some(timeout))
            .max_idle_age(Duration::from_secs(5))
            .build();
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that builds an agent: for services without the audited client"
        )]
        let agent = config.new_agent();
        Ok(Self {
            agent,
            endpoint,
            credentials,
            clock,
        })
    }

    fn post(&self, batch: &[Outgoing<'_>]) -> Result<(u16, Option<Duration>, Vec<u8>), ureq::Error> {
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
        // A truncated response counts as missing; one that is too long counts as complete.
        let mut rest = response.body_mut().as_reader();
        let mut rest = std::io::Read::take(&mut rest, LONGEST_ANSWER);
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut rest, &mut body)?;
        Ok((status, retry_after, body))
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
        let (status, retry_after, body) = self.post(batch).map_err(|error| unavailable(&error))?;
        http_batch::check_status(status, retry_after)?;
        http_batch::check_rejected(&body)
    }
}
