//! The class of each failure, over the wire protocol of a server that returns it
//! (<https://www.postgresql.org/docs/17/protocol-message-formats.html>).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_postgres::types::Type;
use tokio_postgres::{Config, NoTls};

use super::*;

/// `AuthenticationOk`, then `ReadyForQuery`.
const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// A server that reads the start-up message and sends this answer.
fn answering(answer: Vec<u8>) -> (DuplexStream, impl Future<Output = DuplexStream>) {
    let (client, mut server) = tokio::io::duplex(4096);
    let serve = async move {
        let length = server.read_u32().await.unwrap() as usize;
        server.read_exact(&mut vec![0; length - 4]).await.unwrap();
        server.write_all(&answer).await.unwrap();
        server
    };
    (client, serve)
}

fn config() -> Config {
    let mut config = Config::new();
    config.user("app");
    config
}

async fn refused_with(code: &str) -> StoreError {
    let fields = format!("SERROR\0VERROR\0C{code}\0Mvalue hunter2\0\0");
    let mut answer = vec![b'E'];
    answer.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
    answer.extend(fields.bytes());
    let (stream, serve) = answering(answer);
    let config = config();
    let (connected, _server) = tokio::join!(config.connect_raw(stream, NoTls), serve);
    StoreError::from_driver(&connected.err().unwrap())
}

#[tokio::test]
async fn each_sqlstate_has_its_class() {
    let permanent = [
        "22021", "22P02", "23514", "23505", "21000", "0A000", "54000", "54001", "P0001",
    ];
    let passing = [
        "08006", "53300", "57014", "57P01", "58030", "25P03", "25006", "28P01", "40001", "40P01", "55P03",
    ];
    // An unknown error may be fixed by a person or a deployment.
    let unknown = ["42P01", "42501", "XX000", "ZZ999"];
    for code in permanent {
        let error = refused_with(code).await;
        assert!(matches!(error, StoreError::Rejected(_)), "{code}: {error}");
    }
    for code in passing.iter().chain(&unknown) {
        let error = refused_with(code).await;
        assert!(error.is_retryable(), "{code}: {error}");
        assert!(error.to_string().contains(code) && !error.to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn a_parameter_that_cannot_be_sent_is_rejected() {
    let (stream, serve) = answering(READY.to_vec());
    let config = config();
    let (connected, _server) = tokio::join!(config.connect_raw(stream, NoTls), serve);
    let (client, _connection) = connected.unwrap();
    let error = client
        .query_typed("SELECT $1", &[(&"hunter2", Type::INT4)])
        .await
        .unwrap_err();
    let error = StoreError::from_driver(&error);
    assert!(
        matches!(&error, StoreError::Rejected(_)) && !error.is_retryable(),
        "{error}"
    );
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_connection_that_ends_is_unavailable() {
    let (stream, serve) = answering(Vec::new());
    let config = config();
    let ended = async { drop(serve.await) };
    let (connected, ()) = tokio::join!(config.connect_raw(stream, NoTls), ended);
    let error = StoreError::from_driver(&connected.err().unwrap());
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[test]
fn row_of_another_version_is_retryable() {
    assert!(StoreError::corrupt("reasons").is_retryable());
}
