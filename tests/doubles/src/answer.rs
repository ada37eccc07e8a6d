//! What a double sends back, complete or damaged.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

/// A complete answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    /// The headers, without `content-length`.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

impl Answer {
    /// A JSON answer (`application/json`).
    #[must_use]
    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self::with_type(status, "application/json", body.to_string())
    }

    /// A plain-text answer (`text/plain`).
    #[must_use]
    pub fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self::with_type(status, "text/plain", body.into())
    }

    /// An answer of the given content type.
    #[must_use]
    pub fn with_type(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    /// The same answer with one more header; an invalid header value is dropped.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// How an answer is sent to the client.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Delivery {
    /// As it is.
    Whole(Answer),
    /// Head and half of the body, then the connection closes.
    Half(Answer),
    /// The connection closes without a byte.
    Reset,
    /// Nothing, until the client disconnects.
    Hang,
}

impl Delivery {
    /// Waits for `delay`, then delivers.
    pub(super) async fn send(self, delay: Duration) -> Response {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match self {
            Self::Whole(answer) => answer.into_response(),
            Self::Half(answer) => half(answer),
            Self::Reset => reset(),
            Self::Hang => match std::future::pending::<Infallible>().await {},
        }
    }
}

/// A body that fails before its first byte: the server drops the connection with the head still in its buffer.
fn reset() -> Response {
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(broken()) })))
}

/// The full length in the head, half of the bytes in the body, then a failure.
fn half(answer: Answer) -> Response {
    let whole = answer.body.len();
    let first = answer.body.slice(..whole / 2);
    let body = stream::once(async { Ok(first) }).chain(stream::once(async {
        // Yields once, so that the server flushes the half before it sees the failure.
        tokio::task::yield_now().await;
        Err(broken())
    }));
    let mut response = answer.into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(whole));
    *response.body_mut() = Body::from_stream(body);
    response
}

fn broken() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        "the double is scripted to break this connection",
    )
}
