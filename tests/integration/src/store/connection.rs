//! The connections: opened when needed, replaced when lost, never hanging.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doubles::postgres::{config, connect, fresh_database};
use secrecy::SecretString;
use store::{Store, StoreError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use url::Url;

use super::sample::{exception, key};
use super::tls_proxy::spawn;

#[tokio::test]
async fn connection_lost_while_idle_is_replaced() {
    let database = fresh_database().await;
    let store = database.store();
    store.connect().await.unwrap();
    database.disconnect_everybody().await;
    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&exception(&key(1))).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn two_transactions_run_side_by_side() {
    let database = fresh_database().await;
    let store = database.store();
    // Sequential use needs one connection.
    for _ in 0..2 {
        let mut tx = store.begin().await.unwrap();
        tx.lock_merge_request(&key(1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(store.connections_opened(), 1);

    let mut first = store.begin().await.unwrap();
    first.lock_merge_request(&key(1)).await.unwrap();
    let mut second = store.begin().await.unwrap();
    second.lock_merge_request(&key(2)).await.unwrap();
    assert_eq!(store.connections_opened(), 2);

    // A third one begins when the first has ended.
    let mut third = std::pin::pin!(store.begin());
    assert!(futures::poll!(third.as_mut()).is_pending());
    first.commit().await.unwrap();
    third.await.unwrap().lock_merge_request(&key(1)).await.unwrap();
    second.commit().await.unwrap();
    assert_eq!(store.connections_opened(), 2);
}

#[tokio::test]
async fn a_refused_second_connection_waits_for_the_first() {
    let database = fresh_database().await;
    let store = database.store();
    let mut first = store.begin().await.unwrap();
    first.lock_merge_request(&key(1)).await.unwrap();
    let login = config(&database.app_url).user().to_owned();
    let limit = format!("ALTER ROLE {login} CONNECTION LIMIT 1");
    connect(&database.superuser_url)
        .await
        .batch_execute(&limit)
        .await
        .unwrap();

    let (second, committed) = tokio::join!(store.begin(), first.commit());
    committed.unwrap();
    second.unwrap().lock_merge_request(&key(2)).await.unwrap();
    assert_eq!(store.connections_opened(), 1);
}

#[tokio::test]
async fn connection_lost_within_transaction_is_retryable_error() {
    let database = fresh_database().await;
    let store = database.store();
    let mut tx = store.begin().await.unwrap();
    tx.upsert_exception(&exception(&key(1))).await.unwrap();
    database.disconnect_everybody().await;
    let error = tx.exception(&key(1)).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Unavailable(_)) && error.is_retryable(),
        "{error}"
    );
    assert!(tx.commit().await.is_err());

    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.exception(&key(1)).await.unwrap(),
        None,
        "nothing of the lost transaction was written"
    );
}

#[tokio::test]
async fn silent_idle_connection_is_replaced_within_seconds() {
    let database = fresh_database().await;
    let wire = Wire::to(&database.app_url).await;
    let store = Store::new(config(&wire.url)).unwrap();
    store.connect().await.unwrap();
    wire.silence();
    let begun = Instant::now();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.exception(&key(1)).await.unwrap(), None);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn unanswered_statement_fails_and_next_transaction_works() {
    let database = fresh_database().await;
    let wire = Wire::to(&database.app_url).await;
    let store = Store::new(config(&wire.url)).unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.lock_merge_request(&key(1)).await.unwrap();
    wire.silence();
    let error = tx.exception(&key(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    drop(tx);
    store.begin().await.unwrap().exception(&key(1)).await.unwrap();
}

#[tokio::test]
async fn a_store_holds_one_connection_and_keeps_it() {
    let database = fresh_database().await;
    let store = database.store();
    for _ in 0..3 {
        store.begin().await.unwrap().commit().await.unwrap();
        drop(store.begin().await.unwrap());
    }
    let server = connect(&database.owner_url).await;
    let login = config(&database.app_url).user().to_owned();
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{login}'");
    assert_eq!(server.query_typed_one(&sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = store_at(port).connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn unresponsive_server_is_given_up_within_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = store_at(listener.local_addr().unwrap().port());
    let begun = Instant::now();
    let error = store.connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn wrong_password_is_refused_login_and_not_shown() {
    let database = fresh_database().await;
    let url = database.app_url.replace("app%20password", "hunter2");
    assert_ne!(url, database.app_url);
    let error = Store::new(config(&url)).unwrap().connect().await.unwrap_err();
    assert!(
        matches!(error, StoreError::LoginRefused(_)) && error.is_retryable(),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn application_login_has_dedicated_timeouts() {
    let database = fresh_database().await;
    let session = connect(&database.app_url).await;
    for (setting, value) in [
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "10s"),
    ] {
        let row = session
            .query_typed_one(&format!("SELECT current_setting('{setting}')"), &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), value, "{setting}");
    }
}

/// A connection to the database that can go silent without either end noticing, as in a frozen environment.
struct Wire {
    url: String,
    silence: Arc<Notify>,
}

impl Wire {
    async fn to(database: &str) -> Self {
        let mut url = Url::parse(database).unwrap();
        let server = url.socket_addrs(|| Some(5432)).unwrap()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let silence = Arc::new(Notify::new());
        let wire = Self {
            url: url.to_string(),
            silence: Arc::clone(&silence),
        };
        spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                spawn(carry(client, server, Arc::clone(&silence)));
            }
        });
        wire
    }

    /// Existing connections carry nothing any more; later ones do.
    fn silence(&self) {
        self.silence.notify_waiters();
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, silence: Arc<Notify>) {
    #[expect(clippy::disallowed_methods, reason = "a proxy before the test database")]
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        () = silence.notified() => std::future::pending().await,
    }
}

fn store_at(port: u16) -> Store {
    let url = SecretString::from(format!("postgres://app:hunter2@127.0.0.1:{port}/nowhere"));
    Store::new(store::DatabaseConfig::from_url(&url).unwrap()).unwrap()
}
