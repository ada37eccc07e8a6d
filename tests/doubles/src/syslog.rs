//! A double of a syslog receiver: UDP, TCP with octet counting, or TLS, on a dedicated thread.
//!
//! It has no HTTP and thus no control interface: a test scripts it in process. It stores every complete message as
//! [`syslog_rfc5424`] parses it, even from failed connections, as a real receiver does.

mod certificate;
mod connection;
mod message;

use std::collections::{HashSet, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use audit_delivery::settings::{SyslogAddress, Transport};

use certificate::Certified;
use connection::Connection;
pub use message::Message;

/// How long the thread waits for the network before it checks whether to stop.
const GLANCE: Duration = Duration::from_millis(20);

/// A fault of the next connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It closes before it reads anything.
    CloseImmediately,
    /// It stores the messages of this many octets, then closes; unread data turns the close into a reset.
    CloseAfter(usize),
    /// It closes its own side immediately, but reads everything.
    EndFirst,
    /// It reads everything including the end, and never closes.
    NeverClose,
    /// It reads nothing and never closes.
    NeverRead,
    /// It reads and stores everything, and closes without ending the TLS session, as rsyslog's gtls driver does. No effect without
    /// TLS.
    NoCloseNotify,
    /// It waits before each read.
    Slow(Duration),
    /// It sends data endlessly.
    Answer,
}

#[derive(Debug, Default)]
struct State {
    faults: VecDeque<Fault>,
    lost: HashSet<String>,
    messages: Vec<Message>,
    malformed: Vec<String>,
    connections: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    stop: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete in itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn keep(&self, octets: &[u8]) {
        let mut state = self.lock();
        match Message::parse(octets) {
            Ok(message) if state.lost.contains(&message.id) => {}
            Ok(message) => state.messages.push(message),
            Err(reason) => state.malformed.push(reason),
        }
    }
}

/// A running receiver. Dropping it stops its thread and closes everything.
#[derive(Debug)]
pub struct SyslogDouble {
    address: SyslogAddress,
    ca_pem: Option<String>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl SyslogDouble {
    /// Listens on a free port of the loopback interface; for TLS with a certificate for `localhost` by its own authority.
    ///
    /// # Panics
    /// When no port can be bound or no certificate made.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test cannot run without its double")]
    pub fn start(transport: Transport) -> Self {
        Self::start_on(transport, ([127, 0, 0, 1], 0).into()).expect("cannot start a syslog double")
    }

    /// Listens on a given address.
    ///
    /// # Errors
    /// When the address cannot be bound or no certificate can be made.
    pub fn start_on(transport: Transport, address: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let (address, ca_pem, thread) = if transport == Transport::Udp {
            #[expect(clippy::disallowed_methods, reason = "the double itself: it receives")]
            let socket = UdpSocket::bind(address)?;
            socket.set_read_timeout(Some(GLANCE))?;
            let address = socket.local_addr()?;
            (address, None, std::thread::spawn(move || receive(&socket, &theirs)))
        } else {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            let certified = (transport == Transport::Tls)
                .then(Certified::new)
                .transpose()
                .map_err(io::Error::other)?;
            let ca_pem = certified.as_ref().map(|certified| certified.ca_pem.clone());
            let thread = std::thread::spawn(move || accept(&listener, certified.as_ref(), &theirs));
            (address, ca_pem, thread)
        };
        let host = if transport == Transport::Tls {
            "localhost".to_owned()
        } else {
            address.ip().to_string()
        };
        Ok(Self {
            address: SyslogAddress {
                transport,
                host,
                port: address.port(),
            },
            ca_pem,
            shared,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &SyslogAddress {
        &self.address
    }

    /// The authority of its certificate, PEM; `None` without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Faults of the next connections, in order; later ones have none. Datagrams have no faults.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lock().faults.extend(faults);
    }

    /// Silently loses the entry with this id, so that a completeness check must fail.
    pub fn lose(&self, id: &(impl ToString + ?Sized)) {
        self.shared.lock().lost.insert(id.to_string());
    }

    /// The received messages in order, including repeated ones.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.shared.lock().messages.clone()
    }

    /// Errors of malformed messages and octet counts.
    #[must_use]
    pub fn malformed(&self) -> Vec<String> {
        self.shared.lock().malformed.clone()
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }
}

impl Drop for SyslogDouble {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The panic hook has already reported a panic of the thread.
            drop(thread.join());
        }
    }
}

fn receive(socket: &UdpSocket, shared: &Shared) {
    let mut datagram = vec![0; 65_535];
    while !shared.is_over() {
        if let Ok(length) = socket.recv(&mut datagram) {
            shared.keep(&datagram[..length]);
        }
    }
}

fn accept(listener: &TcpListener, certified: Option<&Certified>, shared: &Shared) {
    let mut never_closed = Vec::new();
    while !shared.is_over() {
        match listener.accept() {
            Ok((socket, _)) => never_closed.extend(serve(socket, certified, shared)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => tracing::warn!(%error, "a syslog double could not accept a connection"),
        }
    }
}

/// Serves connections one after the other; returns one that must stay open.
fn serve(socket: TcpStream, certified: Option<&Certified>, shared: &Shared) -> Option<TcpStream> {
    let fault = {
        let mut state = shared.lock();
        state.connections += 1;
        state.faults.pop_front()
    };
    let served = Connection::open(socket, certified, shared).and_then(|connection| connection.serve(fault));
    served.unwrap_or_else(|error| {
        // The sender must detect how a connection ends.
        tracing::debug!(%error, "a connection to the syslog double failed");
        None
    })
}

#[cfg(test)]
mod tests;
