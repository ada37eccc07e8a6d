//! A running double: a server around its state, and the handle with which a test scripts it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures::channel::oneshot;
use http::{Request, StatusCode};
use model::{Clock, SystemClock};
use serde_json::Value;

use super::answer::Delivery;
use super::state::{Inner, System};
use super::{Answer, InvalidStub, Received, Recorded, Server, Stub, control};

/// A running double of the system `S`. Dropping it stops the server and closes its connections.
#[derive(Debug)]
pub struct Double<S> {
    shared: Arc<Shared<S>>,
    server: Server,
}

impl<S: System> Double<S> {
    /// Starts a double on a free port of the loopback interface.
    ///
    /// # Panics
    /// When no port can be bound.
    #[expect(clippy::expect_used, reason = "a test cannot run without its double")]
    pub async fn start() -> Self {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into())
            .await
            .expect("cannot listen on 127.0.0.1")
    }

    /// Starts a double on a given address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_on(address: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(Inner::default()),
        });
        let router = Router::new().fallback(serve::<S>).with_state(Arc::clone(&shared));
        let server = Server::start(address, router).await?;
        Ok(Self { shared, server })
    }

    /// The base address, such as `http://127.0.0.1:41234`, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Adds a stub, in front of the earlier ones.
    ///
    /// # Errors
    /// The reason for which `PUT /_double/stub` would reject it.
    pub fn stub(&self, stub: Stub) -> Result<(), InvalidStub> {
        self.shared.lock().stubs.push(stub.prepare()?);
        Ok(())
    }

    /// Removes all stubs and keeps the world and the requests.
    pub fn clear_stubs(&self) {
        self.shared.lock().stubs.clear();
    }

    /// Every request seen since the last reset, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().requests.clone()
    }

    /// Waits until the recorded requests satisfy `enough` and returns them; after `patience` returns them as `Err`.
    ///
    /// # Errors
    /// The recorded requests, if they did not satisfy `enough` in time.
    pub async fn wait_for(
        &self,
        patience: Duration,
        enough: impl Fn(&[Recorded]) -> bool,
    ) -> Result<Vec<Recorded>, Vec<Recorded>> {
        let deadline = Instant::now() + patience;
        loop {
            let change = {
                let mut inner = self.shared.lock();
                if enough(&inner.requests) {
                    return Ok(inner.requests.clone());
                }
                let (waker, change) = oneshot::channel();
                inner.waiting.push(waker);
                change
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if tokio::time::timeout(left, change).await.is_err() {
                return Err(self.requests());
            }
        }
    }

    /// Reads or changes the world, and returns what `change` returns.
    pub fn world<T>(&self, change: impl FnOnce(&mut S::World) -> T) -> T {
        change(self.shared.lock().system.world())
    }

    /// Merges a JSON merge patch (RFC 7396) into the world.
    ///
    /// # Errors
    /// Why the patched world would be invalid; nothing has changed then.
    pub fn patch(&self, patch: Value) -> Result<(), String> {
        control::patch_world(&mut self.shared.lock().system, patch)
    }

    /// Reads or changes the system's own state, beyond its world.
    pub(super) fn system<T>(&self, read: impl FnOnce(&mut S) -> T) -> T {
        read(&mut self.shared.lock().system)
    }

    /// Resets: no stubs, no requests, the first world.
    pub fn reset(&self) {
        self.shared.lock().reset();
    }
}

/// State shared by the server's thread and the handle.
#[derive(Debug)]
pub(super) struct Shared<S> {
    state: Mutex<Inner<S>>,
}

impl<S> Shared<S> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        // Every change under the lock is complete in itself, so a poisoned lock still guards valid state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve<S: System>(State(shared): State<Arc<Shared<S>>>, request: Request<Body>) -> Response {
    let received = match Received::read(request, SystemClock.now()).await {
        Ok(received) => received,
        Err(error) => {
            let answer = Answer::text(StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"));
            return Delivery::Whole(answer).send(Duration::ZERO).await;
        }
    };
    let (delivery, delay) = {
        let mut inner = shared.lock();
        match control::answer(&mut inner, &received) {
            Some(answer) => (Delivery::Whole(answer), Duration::ZERO),
            None => inner.handle(&received),
        }
    };
    delivery.send(delay).await
}
