//! Syslog: RFC 5424 messages over UDP, TCP with octet counting, or TLS.

use std::time::{Duration, Instant};

use super::SetupError;
use super::settings::{SyslogAddress, Transport};
use crate::destination::{DeliveryError, Destination, Outgoing};
use failure::SyslogFailure;

mod datagram;
mod failure;
mod message;
mod stream;
mod tls;

/// Options of the syslog destination.
#[derive(Debug, Clone)]
pub struct SyslogOptions {
    /// `HOSTNAME` of the messages, the name of this machine; `-` if absent.
    pub hostname: Option<String>,
    /// Certificates of private authorities, PEM, trusted in addition to the public roots.
    pub private_ca_pem: Option<String>,
    /// Whether a TLS receiver must end its session with `close_notify`, as RFC 5425 (section 4.4) requires. Then `Ok` means that
    /// the receiving program has read everything, otherwise its TLS library or its kernel. Some receivers never send it (rsyslog
    /// with its gtls driver) and would get the same batch repeatedly; so the default is `false`.
    pub requires_close_notify: bool,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time for one batch, from connection to the receiver's close, without name resolution, which the system limits.
    pub timeout: Duration,
}

impl Default for SyslogOptions {
    fn default() -> Self {
        Self {
            hostname: None,
            private_ca_pem: None,
            requires_close_notify: false,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
        }
    }
}

/// Sends to one receiver.
///
/// Syslog has no acknowledgement. Over TCP and TLS each batch has its own connection, and `Ok` means that the receiver saw its end
/// and closed it cleanly, with nothing unread in its network stack; what the program did with it is unknown. Over UDP `Ok` means
/// that the datagrams were passed to the network.
#[derive(Debug)]
pub struct SyslogDestination {
    address: SyslogAddress,
    options: SyslogOptions,
    tls: Option<tls::Tls>,
}

impl SyslogDestination {
    /// A destination at an address. The first batch opens the connection.
    ///
    /// # Errors
    /// [`SetupError`] if TLS is requested and cannot be set up.
    pub fn new(address: SyslogAddress, options: SyslogOptions) -> Result<Self, SetupError> {
        let tls = match address.transport {
            Transport::Tls => Some(tls::Tls::new(&address.host, &options)?),
            Transport::Udp | Transport::Tcp => None,
        };
        Ok(Self { address, options, tls })
    }

    fn send(&self, batch: &[Outgoing<'_>]) -> Result<(), SyslogFailure> {
        let messages = batch
            .iter()
            .map(|entry| message::render(entry, self.options.hostname.as_deref()));
        if self.address.transport == Transport::Udp {
            return datagram::send(&self.address, &messages.collect::<Vec<_>>());
        }
        let mut frames = Vec::new();
        for message in messages {
            // Octet counting: RFC 6587, section 3.4.1, and RFC 5425, section 4.3.
            frames.extend_from_slice(message.len().to_string().as_bytes());
            frames.push(b' ');
            frames.extend_from_slice(message.as_bytes());
        }
        let deadline = Instant::now() + self.options.timeout;
        let stream = stream::connect(&self.address, self.options.connect_timeout, deadline)?;
        match &self.tls {
            Some(tls) => tls.send(stream, &frames),
            None => stream.send(&frames),
        }
    }
}

impl Destination for SyslogDestination {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn deliver(&mut self, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.send(batch).map_err(|failure| failure.at(&self.address))
    }
}
