//! TLS to the database: rustls with ring, the public roots and the deployment's own, full verification always.

use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{DatabaseConfig, StoreError};

/// Builds the connector once per [`crate::Store`]; `None` if this database is spoken to in clear (only on this machine).
pub(crate) fn connector(config: &DatabaseConfig) -> Result<Option<MakeRustlsConnect>, StoreError> {
    if !config.uses_tls() {
        return Ok(None);
    }
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for authority in config.authorities() {
        roots
            .add(authority.clone())
            .map_err(|_| refused("a certificate in ca_pem is not a certificate authority"))?;
    }
    let provider = rustls::crypto::ring::default_provider();
    let client = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|_| refused("the crypto provider offers no TLS version"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(client)))
}

fn refused(why: &str) -> StoreError {
    StoreError::Rejected(why.to_owned())
}
