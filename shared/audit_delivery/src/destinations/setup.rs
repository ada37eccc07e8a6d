//! DestinationProblems of a destination that are found before anything is sent.

/// A destination could not be built. Correct the configuration; nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The private CA cannot be used.
    #[error(transparent)]
    Authority(#[from] tls::AuthorityError),
    /// The TLS stack rejects the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// No certificate can contain the host.
    #[error("the receiver's host is neither a DNS name nor an IP address; TLS needs one")]
    HostName,
    /// A token would be sent in clear.
    #[error(
        "credentials go to a receiver on another machine through https only; change the endpoint, or send without credentials"
    )]
    CredentialsInClear,
    /// The credentials do not fit into a header.
    #[error("the credentials' header needs a name of its own that is a token, and a value without control characters")]
    CredentialsUnusable,
}
