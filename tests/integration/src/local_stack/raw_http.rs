//! HTTP as a hostile sender writes it: any header value, any request target, one connection per request.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// Longer than any request takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// An answer.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Header lines.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null if it is not JSON.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    #[must_use]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .lines()
            .find_map(|line| {
                line.split_once(':')
                    .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            })
            .map(|(_, value)| value.trim())
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// Sends one request. The headers are written unchanged; length and connection are added.
///
/// # Panics
/// If nothing listens there, or the answer is incomplete.
pub(crate) async fn request(method: &str, url: &str, headers: &[(String, String)], body: &[u8]) -> Reply {
    let url = Url::parse(url).expect("an address");
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    send(&url, method, &target, headers, body).await
}

async fn send(url: &Url, method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> Reply {
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    let lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let (length, lines) = (body.len(), lines.concat());
    let head = format!("{method} {target} HTTP/1.1\r\nContent-Length: {length}\r\nConnection: close\r\n{lines}\r\n");
    let exchange = async {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test is the client here, in the role of GitLab"
        )]
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("an answer in time")
        .expect("an answer");
    parse(&answer)
}

fn parse(answer: &[u8]) -> Reply {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a whole header");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let (first, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    let reply = Reply {
        status,
        headers: headers.to_owned(),
        body: answer[end + 4..].to_vec(),
    };
    let chunked = reply
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    if chunked {
        Reply {
            body: unchunk(&reply.body),
            ..reply
        }
    } else {
        reply
    }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&body[..end]);
        let Ok(size) = usize::from_str_radix(size.split(';').next().unwrap_or("0").trim(), 16) else {
            break;
        };
        let from = end + 2;
        if size == 0 || body.len() < from + size {
            break;
        }
        whole.extend_from_slice(&body[from..from + size]);
        body = body.get(from + size + 2..).unwrap_or_default();
    }
    whole
}
