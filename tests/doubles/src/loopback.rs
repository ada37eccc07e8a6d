//! A minimal blocking HTTP client: it shows the bytes on the wire, which the doubles' faults affect.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// What arrived before the connection closed.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status; 0 if nothing arrived.
    pub(crate) status: u16,
    /// The head's lines after the status line.
    pub(crate) head: Vec<String>,
    /// The received part of the body.
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

/// Opens a connection to `base` and sends a request without waiting for the answer.
pub(crate) fn open(base: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
    let host = base.strip_prefix("http://").unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test is the client of the double")]
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    stream
}

/// Sends a request and reads until the connection closes.
pub(crate) fn send(base: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut stream = open(base, method, target, headers, body);
    let mut bytes = Vec::new();
    // A reset connection ends the answer like a closed one.
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::ConnectionReset,
            "{method} {target}: {error}"
        );
    }
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines().map(str::to_owned);
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .unwrap_or(0);
    Reply {
        status,
        head: lines.collect(),
        body: body.to_owned(),
    }
}
