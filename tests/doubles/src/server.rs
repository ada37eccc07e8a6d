//! One HTTP server on its own thread; dropping it stops it and closes its connections.

use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;

use axum::Router;
use axum::serve::ListenerExt;
use futures::channel::oneshot;
use futures::future::{Either, select};
use tokio::net::TcpListener;
use tokio::runtime;

/// A running server. Dropping it closes the listener and every open connection before `drop` returns.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `address` (port 0 picks a free one) and serves `router` from a dedicated thread.
    ///
    /// # Errors
    /// When the address cannot be bound or the thread's runtime cannot be built.
    pub(crate) async fn start(address: SocketAddr, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?.into_std()?;
        let address = listener.local_addr()?;
        // A dedicated runtime: the connections' tasks end with it, while a shared runtime would continue them.
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name(format!("server {address}"))
            .spawn(move || {
                let served = runtime.block_on(async move {
                    // Without it a small answer could wait for the client's acknowledgement of the previous one.
                    let listener = TcpListener::from_std(listener)?.tap_io(|connection| {
                        if let Err(error) = connection.set_nodelay(true) {
                            tracing::warn!(%error, "cannot set TCP_NODELAY on a connection");
                        }
                    });
                    let serve = axum::serve(listener, router).into_future();
                    match select(std::pin::pin!(serve), stopped).await {
                        Either::Left((result, _)) => result,
                        Either::Right(_) => Ok(()),
                    }
                });
                if let Err(error) = served {
                    tracing::error!(%error, "the server on {address} ended unexpectedly");
                }
            })?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The panic hook has already reported a panic of the server's thread.
            drop(thread.join());
        }
    }
}
