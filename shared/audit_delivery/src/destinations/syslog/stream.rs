//! TCP: one connection per batch, limited in time, and the proof that the receiver has read everything.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::failure::SyslogFailure;
use crate::destinations::settings::SyslogAddress;

/// How much data from a receiver is tolerated before it closes, in bytes. Syslog has no responses.
const LONGEST_ANSWER: usize = 16 * 1024;
/// How often the connection state is checked while the last acknowledgement is pending.
const STATE_CHECK_INTERVAL: Duration = Duration::from_millis(2);

/// A connection whose operations end by its deadline.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    deadline: Instant,
}

/// Connects to the first address of the receiver that answers.
pub(super) fn connect(
    address: &SyslogAddress,
    connect_timeout: Duration,
    deadline: Instant,
) -> Result<Stream, SyslogFailure> {
    let receivers = (address.host.as_str(), address.port)
        .to_socket_addrs()
        .map_err(SyslogFailure::Name)?;
    let until = deadline.min(Instant::now() + connect_timeout);
    let mut last = SyslogFailure::NoAddress;
    for receiver in receivers {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that connects to a receiver: the caller that delivers the batch audits it"
        )]
        let connected = left(until).and_then(|left| TcpStream::connect_timeout(&receiver, left));
        match connected {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(Stream { socket, deadline });
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

impl Stream {
    /// Sends everything, closes this side of the connection and waits for the receiver to close the other.
    pub(super) fn send(mut self, bytes: &[u8]) -> Result<(), SyslogFailure> {
        self.write_all(bytes)?;
        self.end()
    }

    /// Closes the connection and waits until the receiver has closed it too and acknowledged everything.
    pub(super) fn end(mut self) -> Result<(), SyslogFailure> {
        match self.socket.shutdown(Shutdown::Write) {
            // The receiver closed in between; the read shows why.
            Err(error) if error.kind() == ErrorKind::NotConnected => {}
            ended => ended?,
        }
        let mut unwanted = [0; 1024];
        let mut read = 0;
        loop {
            match self.read(&mut unwanted)? {
                0 => break,
                more => read += more,
            }
            if read > LONGEST_ANSWER {
                return Err(SyslogFailure::UnexpectedData);
            }
        }
        self.acknowledged()
    }

    /// The receiver may have closed before it read our last bytes; late data is then answered by a reset. Everything was received
    /// only if the connection is closed on both sides (there is no peer any more) and no reset has arrived.
    fn acknowledged(&self) -> Result<(), SyslogFailure> {
        while self.socket.peer_addr().is_ok() {
            left(self.deadline)?;
            std::thread::sleep(STATE_CHECK_INTERVAL);
        }
        match self.socket.take_error()? {
            Some(_) => Err(SyslogFailure::ClosedEarly),
            None => Ok(()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.deadline)?))?;
        self.socket.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.deadline)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The remaining time; never zero, which would mean no limit.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::Error::new(
            ErrorKind::TimedOut,
            "receiver did not accept the batch in time",
        ));
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::destinations::settings::Transport;

    /// A connection and its peer.
    fn pair() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = SyslogAddress {
            transport: Transport::Tcp,
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
        };
        let patience = Duration::from_secs(10);
        let stream = connect(&address, patience, Instant::now() + patience).unwrap();
        (stream, listener.accept().unwrap().0)
    }

    #[test]
    fn receiver_closed_before_sending_is_an_error() {
        let (stream, receiver) = pair();
        drop(receiver);
        // The peer closed before a byte is sent, so a read finds a clean end even if the sent bytes are lost.
        assert_eq!(stream.socket.peek(&mut [0]).unwrap(), 0);
        let result = stream.send(b"lost");
        assert!(
            matches!(result, Err(SyslogFailure::ClosedEarly | SyslogFailure::Io(_))),
            "{result:?}"
        );
    }

    #[test]
    fn half_closed_receiver_that_reads_is_a_success() {
        let (stream, mut receiver) = pair();
        receiver.shutdown(Shutdown::Write).unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            receiver.read_to_end(&mut bytes).unwrap();
            bytes
        });
        stream.send(b"read").unwrap();
        assert_eq!(reader.join().unwrap(), b"read");
    }

    #[test]
    fn unread_byte_at_the_receiver_is_an_error() {
        let (stream, mut receiver) = pair();
        let reader = std::thread::spawn(move || receiver.read_exact(&mut [0; 3]).unwrap());
        assert!(stream.send(b"four").is_err());
        reader.join().unwrap();
    }
}
