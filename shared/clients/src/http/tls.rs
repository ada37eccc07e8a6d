//! TLS: rustls with ring, the public roots compiled in, and the private authorities of the configuration.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::SetupError;

/// Client settings that verify names and chains; TLS 1.2 and 1.3, HTTP/2 preferred.
pub(super) fn config(private_ca_pem: Option<&str>) -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = private_ca_pem {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(certificate.map_err(SetupError::CaUnreadable)?)?;
        }
        if roots.len() == before {
            return Err(SetupError::CaEmpty);
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_roots_are_compiled_in() {
        assert!(config(None).is_ok());
    }

    #[test]
    fn a_private_ca_that_is_none_is_refused() {
        assert!(matches!(config(Some("")), Err(SetupError::CaEmpty)));
        assert!(matches!(config(Some("not a certificate")), Err(SetupError::CaEmpty)));
        let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
        assert!(matches!(config(Some(broken)), Err(SetupError::CaUnreadable(_))));
        let no_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(config(Some(no_certificate)), Err(SetupError::Tls(_))));
    }
}
