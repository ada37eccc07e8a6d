//! TLS around the connection: RFC 5425, ended in order.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::failure::Failure;
use super::stream::Stream;
use crate::destination::{SetupError, setup};

/// The settings of every session with one receiver.
#[derive(Debug)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    pub(super) fn new(host: &str, private_ca_pem: Option<&str>) -> Result<Self, SetupError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in private_ca_pem.map(setup::authorities).transpose()?.unwrap_or_default() {
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
        })
    }

    /// Sends everything, ends the session and waits for the receiver to end it too.
    pub(super) fn send(&self, mut stream: Stream, bytes: &[u8]) -> Result<(), Failure> {
        let mut session = ClientConnection::new(Arc::clone(&self.config), self.name.clone())?;
        let mut tls = rustls::Stream::new(&mut session, &mut stream);
        tls.write_all(bytes)?;
        tls.flush()?;
        tls.conn.send_close_notify();
        // TCP stays open until the answer is there: a receiver that sees the connection closed need not give it (section 4.4).
        let mut unwanted = [0; 1024];
        match tls.read(&mut unwanted) {
            Ok(0) => {}
            // RFC 5425 asks for the answer, but rsyslog's gtls driver closes the connection instead. What was read up to there, the end
            // of the connection tells.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            Ok(_) => return Err(Failure::Answers),
            Err(error) => return Err(error.into()),
        }
        stream.end()
    }
}
