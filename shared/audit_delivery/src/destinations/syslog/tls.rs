//! TLS on the connection: RFC 5425, closed cleanly.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::SyslogOptions;
use super::failure::SyslogFailure;
use super::stream::Stream;
use crate::destinations::SetupError;

/// The TLS settings for one receiver.
#[derive(Debug)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    requires_close_notify: bool,
}

impl Tls {
    pub(super) fn new(host: &str, options: &SyslogOptions) -> Result<Self, SetupError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let private = options.private_ca_pem.as_deref();
        for certificate in private.map(::tls::private_authorities).transpose()?.unwrap_or_default() {
            roots.add(certificate)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| SetupError::HostName)?;
        Ok(Self {
            config: Arc::new(config),
            name,
            requires_close_notify: options.requires_close_notify,
        })
    }

    /// Sends everything, closes the session and waits for the receiver to close it too.
    pub(super) fn send(&self, mut stream: Stream, bytes: &[u8]) -> Result<(), SyslogFailure> {
        let mut session = ClientConnection::new(Arc::clone(&self.config), self.name.clone())?;
        let mut tls = rustls::Stream::new(&mut session, &mut stream);
        tls.write_all(bytes)?;
        tls.flush()?;
        tls.conn.send_close_notify();
        // TCP stays open until the answer arrives: a receiver that sees a closed connection need not send it (section 4.4).
        let mut unwanted = [0; 1024];
        match tls.read(&mut unwanted) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                if self.requires_close_notify {
                    return Err(SyslogFailure::NoCloseNotify);
                }
            }
            Ok(_) => return Err(SyslogFailure::UnexpectedData),
            Err(error) => return Err(error.into()),
        }
        stream.end()
    }
}
