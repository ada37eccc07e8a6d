//! A Postgres proxy that counts statements and round trips, by the protocol's messages
//! (<https://www.postgresql.org/docs/current/protocol-flow.html>).
#![expect(clippy::expect_used, reason = "a test without its proxy must stop with the reason")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::Url;

/// Data that a client sends within this time belongs to one round trip.
const QUIET: Duration = Duration::from_millis(40);

/// A proxy. It ends with its runtime.
#[derive(Debug, Clone)]
pub struct PostgresProxy {
    /// The database's address through the proxy.
    pub url: String,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    round_trips: AtomicUsize,
    statements: Mutex<Vec<String>>,
}

impl Seen {
    fn statements(&self) -> MutexGuard<'_, Vec<String>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PostgresProxy {
    /// Starts a proxy for the database at this address; the connection is unencrypted.
    ///
    /// # Panics
    /// If nothing can be bound on the loopback interface.
    pub async fn start(database: &str) -> Self {
        let mut url = Url::parse(database).expect("a database's address");
        let server = url.socket_addrs(|| Some(5432)).expect("a host")[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        url.set_port(Some(port)).expect("an address with a port");
        let seen = Arc::new(Seen::default());
        spawn(accept(listener, server, Arc::clone(&seen)));
        Self {
            url: url.to_string(),
            seen,
        }
    }

    /// Resets the counts.
    pub fn clear(&self) {
        self.seen.round_trips.store(0, Ordering::Relaxed);
        self.seen.statements().clear();
    }

    /// How often a client sent something and waited for the answer.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.seen.round_trips.load(Ordering::Relaxed)
    }

    /// The statements that clients sent, in order.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        self.seen.statements().clone()
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, seen: Arc<Seen>) {
    while let Ok((client, _)) = listener.accept().await {
        #[expect(clippy::disallowed_methods, reason = "a proxy before the test database")]
        let server = TcpStream::connect(server).await.expect("the database");
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        spawn(carry_answers(from_server, to_client));
        spawn(carry_requests(from_client, to_server, Arc::clone(&seen)));
    }
}

/// Forwards answers unchanged.
async fn carry_answers(mut from_server: OwnedReadHalf, mut to_client: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
}

/// Collects a client's data until it pauses: it then waits for an answer, which completes one round trip.
async fn carry_requests(mut from_client: OwnedReadHalf, mut to_server: OwnedWriteHalf, seen: Arc<Seen>) {
    let mut is_first = true;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut burst = Vec::new();
        let Ok(length @ 1..) = from_client.read(&mut buffer).await else {
            return;
        };
        burst.extend_from_slice(&buffer[..length]);
        while let Ok(Ok(length @ 1..)) = timeout(QUIET, from_client.read(&mut buffer)).await {
            burst.extend_from_slice(&buffer[..length]);
        }
        // The first message of a connection has no type: it begins with its length.
        let messages = if is_first { Vec::new() } else { statements_in(&burst) };
        is_first = false;
        if !messages.is_empty() {
            seen.round_trips.fetch_add(1, Ordering::Relaxed);
            seen.statements().extend(messages);
        }
        if to_server.write_all(&burst).await.is_err() {
            return;
        }
    }
}

/// The statements in `Parse` and `Query` messages.
fn statements_in(burst: &[u8]) -> Vec<String> {
    let mut statements = Vec::new();
    let mut rest = burst;
    while let [kind, a, b, c, d, ..] = *rest {
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some(message) = rest.get(5..length.saturating_add(1)) else {
            return statements;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut parts = message.split(|byte| *byte == 0);
        match kind {
            b'Q' => statements.extend(parts.next().map(text)),
            // The statement's name comes first; it is empty.
            b'P' => statements.extend(parts.nth(1).map(text)),
            _ => {}
        }
        rest = rest.get(length.saturating_add(1)..).unwrap_or_default();
    }
    statements
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's server lives as long as the test's runtime, which is never frozen"
)]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}
