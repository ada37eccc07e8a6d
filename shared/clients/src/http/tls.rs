//! TLS: rustls with ring, the public roots compiled in, and the private authorities of the configuration.

use std::sync::Arc;

use ::tls::private_authorities;
use rustls::{ClientConfig, RootCertStore};

use super::HttpSetupError;

/// Client settings that verify names and chains; TLS 1.2 and 1.3, HTTP/2 preferred.
pub(super) fn config(private_ca_pem: Option<&str>) -> Result<ClientConfig, HttpSetupError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = private_ca_pem {
        for authority in private_authorities(pem)? {
            roots.add(authority)?;
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
}
