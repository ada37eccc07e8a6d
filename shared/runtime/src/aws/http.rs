//! The only HTTP client of both SDK clients: ring, with Amazon's roots compiled in.

use std::time::Duration;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Public endpoints of AWS chain to these (<https://www.amazontrust.com/repository/>). Reading the system's bundle instead takes
/// longer than the rest of the start-up.
const ROOTS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../infra/certs/amazon-trust-services.pem"
));

/// Lambda freezes the process between invocations; the other side has probably closed a connection that was idle for longer. If one
/// closed sooner, the cost is a retry.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A client for `https` and `http` endpoints.
pub(super) fn client() -> SharedHttpClient {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that builds the client under the SDK clients"
    )]
    let builder = aws_smithy_http_client::Builder::new()
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tls_provider(Provider::rustls(CryptoMode::Ring));
    let trusted = TrustStore::empty().with_pem_certificate(ROOTS);
    match TlsContext::builder().with_trust_store(trusted).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // The builder checks nothing, so this cannot happen; the system's roots would do.
        Err(_) => builder.build_https(),
    }
}

#[cfg(test)]
mod tests {
    use super::ROOTS;

    #[test]
    fn six_roots_are_embedded_with_source_and_expiry() {
        for mark in [
            "-----BEGIN CERTIFICATE-----",
            "# Subject: ",
            "# Expires: ",
            "# SHA-256: ",
        ] {
            assert_eq!(ROOTS.matches(mark).count(), 6, "{mark}");
        }
    }
}
