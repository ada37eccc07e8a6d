//! TLS: a private authority is trusted only where configured.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use audit::FailureClass;
use clients::gitlab::GitLab;
use clients::http::Options;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use secrecy::SecretString;

use super::env::{GITLAB_TOKEN, context, group, http, options};

/// Serves `connections` TLS connections with an empty list and a certificate for `name`; returns address and authority.
fn serve(name: &str, connections: usize) -> (String, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for socket in listener.incoming().take(connections) {
            let mut socket = socket.unwrap();
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut connection, &mut socket);
            let mut request = [0; 4096];
            // A client that does not trust the certificate aborts the handshake: there is nothing to answer.
            if stream.read(&mut request).is_ok_and(|length| length > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]");
            }
        }
    });
    (address, pem)
}

async fn members(
    address: &str,
    private_ca_pem: Option<String>,
) -> (Result<usize, clients::CallError>, Vec<serde_json::Value>) {
    let (http, lines) = http(&Options {
        private_ca_pem,
        timeout: std::time::Duration::from_secs(5),
        ..options()
    });
    let client = GitLab::new(http, address, SecretString::from(GITLAB_TOKEN)).unwrap();
    let result = client
        .members(&context(), "main", &group())
        .await
        .map(|members| members.len());
    (result, lines.entries())
}

#[tokio::test]
async fn configured_private_authority_is_trusted() {
    let (address, ca) = serve("localhost", 1);
    let (result, lines) = members(&address, Some(ca)).await;
    assert_eq!(result.unwrap(), 0);
    assert_eq!(lines.len(), 1);
}

#[tokio::test]
async fn untrusted_certificate_is_rejected_before_sending_token() {
    let (unknown, _) = serve("localhost", 2);
    let (wrong, ca) = serve("gitlab.example.com", 2);
    for (address, ca) in [(unknown, None), (wrong, Some(ca))] {
        let (result, lines) = members(&address, ca).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.class, error.sent),
            (FailureClass::NetworkError, false),
            "{error}"
        );
        assert!(
            error.message.contains("certificate"),
            "the error names the reason: {error}"
        );
        assert_eq!(lines.len(), 2, "retried once, both in the audit log");
    }
}
