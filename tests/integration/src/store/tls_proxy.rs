//! A TLS server in front of the plain one: answers Postgres' request for TLS, ends TLS, and forwards the bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Length and code of an `SSLRequest` (PostgreSQL documentation, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A certificate authority created for one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Distinguished by name, as real authorities are.
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Test authority {}", uuid::Uuid::now_v7()));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// The TLS configuration of a server with this name.
    fn server_config(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// Starts a proxy to `server` that shows a certificate for `name`, and returns its port. It ends with the test's runtime.
pub(crate) async fn start(server: SocketAddr, authority: &Authority, name: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server_config(name)));
    spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            spawn(pass(client, acceptor.clone(), server));
        }
    });
    port
}

/// A client that gives up (on an untrusted certificate) ends only its own connection.
async fn pass(mut client: TcpStream, acceptor: TlsAcceptor, server: SocketAddr) {
    let mut request = [0; 8];
    if client.read_exact(&mut request).await.is_err() || request != SSL_REQUEST {
        return; // in clear: nothing is answered
    }
    client.write_all(b"S").await.unwrap();
    let Ok(mut client) = acceptor.accept(client).await else {
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "a proxy before the test database")]
    let mut server = TcpStream::connect(server).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's server lives as long as the test's runtime, which is never frozen"
)]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}
