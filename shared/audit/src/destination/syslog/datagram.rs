//! UDP: one message, one datagram (RFC 5426).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};

use super::failure::Failure;
use crate::destination::settings::SyslogAddress;

/// What fits into a datagram over IPv4 and over IPv6, in octets: 65,535 less the header of UDP, and that of IP where it counts.
const LARGEST: (usize, usize) = (65_535 - 8 - 20, 65_535 - 8);

/// Sends every message, or none if one of them is too large. That none came back is no proof that any arrived.
pub(super) fn send(address: &SyslogAddress, messages: &[String]) -> Result<(), Failure> {
    let receiver = (address.host.as_str(), address.port)
        .to_socket_addrs()
        .map_err(Failure::Name)?
        .next()
        .ok_or(Failure::NoAddress)?;
    let (local, largest) = match receiver {
        SocketAddr::V4(_) => (SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), LARGEST.0),
        SocketAddr::V6(_) => (SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), LARGEST.1),
    };
    if let Some(size) = messages.iter().map(String::len).find(|size| *size > largest) {
        return Err(Failure::TooLarge(size));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that sends datagrams: whoever delivers the batch audits it"
    )]
    let socket = UdpSocket::bind(local)?;
    // Connected, so that an ICMP refusal of one datagram fails the next.
    socket.connect(receiver)?;
    for message in messages {
        socket.send(message.as_bytes())?;
    }
    // And the refusal of the last one, if it is here yet.
    match socket.take_error()? {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
