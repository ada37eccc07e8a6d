//! Errors in the configuration of a destination, found before anything is sent.

/// A destination cannot be built. Correct the configuration; nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The private CA cannot be used.
    #[error(transparent)]
    Authority(#[from] tls::AuthorityError),
    /// The TLS stack rejects the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// No certificate can contain the host.
    #[error("the receiver's host must be a DNS name or an IP address for TLS")]
    HostName,
    /// A token would be sent in clear text.
    #[error(
        "credentials for a receiver on another machine require https; change the endpoint or remove the credentials"
    )]
    CredentialsInClear,
    /// The credentials do not fit into a header.
    #[error(
        "invalid credentials header: use a valid header name that the request does not already set, and a value without control characters"
    )]
    CredentialsUnusable,
}
