//! UDP: each message is one datagram (RFC 5426).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};

use super::failure::SyslogFailure;
use crate::destinations::settings::SyslogAddress;

/// Largest payload of a datagram over IPv4 and IPv6, in octets: 65,535 minus the UDP header, and for IPv4 the IP header.
const LARGEST: (usize, usize) = (65_535 - 8 - 20, 65_535 - 8);

/// Sends all messages, or none if one is too large. Success does not prove that any arrived.
pub(super) fn send(address: &SyslogAddress, messages: &[String]) -> Result<(), SyslogFailure> {
    let receiver = (address.host.as_str(), address.port)
        .to_socket_addrs()
        .map_err(SyslogFailure::Name)?
        .next()
        .ok_or(SyslogFailure::NoAddress)?;
    let (local, largest) = match receiver {
        SocketAddr::V4(_) => (SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), LARGEST.0),
        SocketAddr::V6(_) => (SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), LARGEST.1),
    };
    if let Some(size) = messages.iter().map(String::len).find(|size| *size > largest) {
        return Err(SyslogFailure::TooLarge(size));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that sends datagrams: the caller that delivers the batch audits it"
    )]
    let socket = UdpSocket::bind(local)?;
    // Connected, so that an ICMP rejection of one datagram fails the next.
    socket.connect(receiver)?;
    for message in messages {
        socket.send(message.as_bytes())?;
    }
    // Also the rejection of the last one, if it has arrived.
    match socket.take_error()? {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
