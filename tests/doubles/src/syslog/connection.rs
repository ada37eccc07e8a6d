//! One connection: octet counting, plain or with TLS, and its faults.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConnection;

use super::certificate::Certified;
use super::{Fault, GLANCE, Shared};

/// The maximum length of an octet count, in digits.
const LONGEST_COUNT: usize = 7;

pub(super) struct Connection<'a> {
    socket: TcpStream,
    tls: Option<ServerConnection>,
    shared: &'a Shared,
    /// Received data that is not yet a complete message.
    rest: Vec<u8>,
}

impl<'a> Connection<'a> {
    pub(super) fn open(socket: TcpStream, certified: Option<&Certified>, shared: &'a Shared) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(GLANCE))?;
        let tls = certified.map(|certified| ServerConnection::new(Arc::clone(&certified.config)));
        Ok(Self {
            socket,
            tls: tls.transpose().map_err(io::Error::other)?,
            shared,
            rest: Vec::new(),
        })
    }

    /// Serves it until it ends; returns what must stay open.
    pub(super) fn serve(mut self, fault: Option<Fault>) -> io::Result<Option<TcpStream>> {
        match fault {
            Some(Fault::CloseImmediately) => return Ok(None),
            Some(Fault::NeverRead) => return Ok(Some(self.socket)),
            Some(Fault::EndFirst) => self.end()?,
            Some(Fault::Answer) => self.answer()?,
            _ => {}
        }
        let mut left = match fault {
            Some(Fault::CloseAfter(octets)) => octets,
            _ => usize::MAX,
        };
        let mut buffer = [0; 4096];
        while left > 0 {
            if let Some(Fault::Slow(pause)) = fault {
                std::thread::sleep(pause);
            }
            let wanted = left.min(buffer.len());
            let read = self.read(&mut buffer[..wanted])?;
            if read == 0 {
                match fault {
                    Some(Fault::NeverClose) => return Ok(Some(self.socket)),
                    Some(Fault::NoCloseNotify | Fault::EndFirst) => {}
                    _ => self.end()?,
                }
                break;
            }
            left -= read;
            self.rest.extend_from_slice(&buffer[..read]);
            self.take();
        }
        Ok(None)
    }

    /// Reads until data arrives, the sender closes its side, or the double is stopped.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.shared.is_over() {
            let read = match &mut self.tls {
                Some(tls) => rustls::Stream::new(tls, &mut self.socket).read(buffer),
                None => self.socket.read(buffer),
            };
            match read {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                read => return read,
            }
        }
        Err(ErrorKind::Interrupted.into())
    }

    /// Stores the complete messages read so far.
    fn take(&mut self) {
        while let Some(space) = self.rest.iter().position(|octet| *octet == b' ') {
            let count = std::str::from_utf8(&self.rest[..space])
                .ok()
                .and_then(|count| count.parse().ok());
            let Some(count) = count.filter(|_: &usize| space <= LONGEST_COUNT && self.rest[0] != b'0') else {
                self.rest.clear();
                return self.shared.lock().malformed.push("it has no octet count".to_owned());
            };
            let Some(message) = self.rest.get(space + 1..space + 1 + count) else {
                return;
            };
            self.shared.keep(message);
            self.rest.drain(..space + 1 + count);
        }
    }

    /// Closes this side of the TLS session and of the connection.
    fn end(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.is_handshaking() {
                tls.complete_io(&mut self.socket)?;
            }
            tls.send_close_notify();
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
        }
        self.socket.shutdown(Shutdown::Write)
    }

    /// Sends more than any client reads.
    fn answer(&mut self) -> io::Result<()> {
        let nonsense = [b'x'; 1024];
        self.socket.set_write_timeout(Some(Duration::from_secs(1)))?;
        loop {
            match &mut self.tls {
                Some(tls) => rustls::Stream::new(tls, &mut self.socket).write_all(&nonsense)?,
                None => self.socket.write_all(&nonsense)?,
            }
        }
    }
}
