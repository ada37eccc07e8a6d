//! What can be wrong with a destination before anything is sent, and the private authorities it trusts.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// A destination could not be built. Correct the configuration; nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The private CA is not PEM.
    #[error("the private CA is not readable PEM: {0}")]
    CaUnreadable(#[source] rustls::pki_types::pem::Error),
    /// The private CA holds no certificate.
    #[error("the private CA holds no certificate; it must have at least one BEGIN CERTIFICATE section")]
    CaEmpty,
    /// A certificate of the private CA cannot serve as a root, or the TLS stack refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The host can be in no certificate.
    #[error("the receiver's host is neither a DNS name nor an IP address; TLS needs one")]
    HostName,
    /// A token would be readable on the way.
    #[error(
        "credentials go to a receiver on another machine through https only; change the endpoint, or send without credentials"
    )]
    CredentialsInClear,
    /// No header can hold the credentials.
    #[error("the credentials' header needs a name of its own that is a token, and a value without control characters")]
    CredentialsUnusable,
}

/// The certificates of private authorities, each fit to be a root.
pub(super) fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = read.map_err(SetupError::CaUnreadable)?;
    if certificates.is_empty() {
        return Err(SetupError::CaEmpty);
    }
    let mut checked = RootCertStore::empty();
    for certificate in &certificates {
        checked.add(certificate.clone())?;
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_ca_that_is_none_is_refused() {
        assert!(matches!(authorities(""), Err(SetupError::CaEmpty)));
        assert!(matches!(authorities("not a certificate"), Err(SetupError::CaEmpty)));
        let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
        assert!(matches!(authorities(broken), Err(SetupError::CaUnreadable(_))));
        let no_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(authorities(no_certificate), Err(SetupError::Tls(_))));
    }
}
