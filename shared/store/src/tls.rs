//! TLS to the database: rustls with ring, the public roots, those of RDS and the deployment's own, full verification always.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{DatabaseConfig, StoreError};

/// Builds the connector once per [`crate::Store`]; `None` if this database is used without TLS (only on this machine).
pub(crate) fn connector(config: &DatabaseConfig) -> Result<Option<MakeRustlsConnect>, StoreError> {
    if !config.uses_tls() {
        return Ok(None);
    }
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let of_region = config.host_name().and_then(crate::rds_roots::roots).unwrap_or_default();
    for authority in CertificateDer::pem_slice_iter(of_region.as_bytes()).flatten() {
        roots
            .add(authority)
            .map_err(|_| refused("an RDS root certificate cannot be trusted"))?;
    }
    for authority in config.authorities() {
        roots
            .add(authority.clone())
            .map_err(|_| refused("a certificate in ca_pem is not a certificate authority"))?;
    }
    let provider = rustls::crypto::ring::default_provider();
    let client = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|_| refused("the crypto provider supports no TLS version"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(client)))
}

fn refused(why: &str) -> StoreError {
    StoreError::Rejected(why.to_owned())
}
