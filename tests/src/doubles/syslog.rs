//! A double of a syslog receiver: UDP, TCP with octet counting, or TLS, on a thread of its own.
//!
//! No HTTP, and so without the common control surface: a test scripts it in process. It keeps every whole message as
//! [`syslog_rfc5424`] reads it, also those of connections that end badly, as a real receiver does.

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

use audit::destination::settings::{SyslogAddress, Transport};

use certificate::Certified;
use connection::Connection;
pub use message::Message;

/// How long the thread waits for the network before it looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(20);

/// What goes wrong with the next connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It closes before it has read anything.
    CloseAtOnce,
    /// It keeps the messages of so many octets, then closes; what it has not read makes the close a reset.
    CloseAfter(usize),
    /// It ends its own side at once, and reads everything all the same.
    EndFirst,
    /// It reads everything, also the end, and never closes.
    NeverClose,
    /// It reads nothing and never closes.
    NeverRead,
    /// It reads and keeps everything, and closes without having ended a TLS session, as rsyslog's gtls driver does. Without TLS: as if
    /// nothing were wrong.
    NoCloseNotify,
    /// It waits before each read.
    Slow(Duration),
    /// It answers without end.
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
    /// Listens on a free port of the loopback interface; through TLS with a certificate for `localhost` by an authority of its own.
    ///
    /// # Panics
    /// When no port can be bound or no certificate made: no test could go on then.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test cannot go on without its double")]
    pub fn start(transport: Transport) -> Self {
        Self::start_on(transport, ([127, 0, 0, 1], 0).into()).expect("a syslog double could not be started")
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

    /// The authority of its certificate, PEM; none without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What goes wrong with the connections to come, one after the other; those after them go well. Datagrams always go well.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lock().faults.extend(faults);
    }

    /// Loses the entry with this id without a word, so that a check that nothing is missing must fail.
    pub fn lose(&self, id: &(impl ToString + ?Sized)) {
        self.shared.lock().lost.insert(id.to_string());
    }

    /// The messages received so far, repeated ones too, in their order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.shared.lock().messages.clone()
    }

    /// What is wrong with what was no message or had no octet count.
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
            // A panic of the thread has been reported by the panic hook already.
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

/// One connection after the other, as its sender makes them; gives back one that must stay open.
fn serve(socket: TcpStream, certified: Option<&Certified>, shared: &Shared) -> Option<TcpStream> {
    let fault = {
        let mut state = shared.lock();
        state.connections += 1;
        state.faults.pop_front()
    };
    let served = Connection::open(socket, certified, shared).and_then(|connection| connection.serve(fault));
    served.unwrap_or_else(|error| {
        // How a connection ends is the sender's to find out.
        tracing::debug!(%error, "a connection to the syslog double ended badly");
        None
    })
}

#[cfg(test)]
mod tests;
