//! The certificates of private authorities, as every client of the project reads them.
#![warn(missing_docs)]

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error, PemObject as _};

/// The certificates of a private authority cannot be used. Correct the PEM text.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It is not PEM.
    #[error("private CA is not valid PEM: {0}")]
    Unreadable(#[source] Error),
    /// It holds no certificate.
    #[error("private CA has no certificate; it needs at least one BEGIN CERTIFICATE section")]
    Empty,
    /// A certificate is invalid as a root.
    #[error("private CA certificate cannot be used as a root: {0}")]
    NoRoot(#[from] rustls::Error),
}

/// Reads the certificates of private authorities, each checked as a root.
///
/// # Errors
/// [`AuthorityError`] describes the problem of the text.
pub fn private_authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = read.map_err(AuthorityError::Unreadable)?;
    if certificates.is_empty() {
        return Err(AuthorityError::Empty);
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
    fn text_without_a_root_certificate_is_rejected() {
        assert!(matches!(private_authorities(""), Err(AuthorityError::Empty)));
        assert!(matches!(
            private_authorities("not a certificate"),
            Err(AuthorityError::Empty)
        ));
        let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
        assert!(matches!(
            private_authorities(broken),
            Err(AuthorityError::Unreadable(_))
        ));
        let no_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(
            private_authorities(no_certificate),
            Err(AuthorityError::NoRoot(_))
        ));
    }
}
