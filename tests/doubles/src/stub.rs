//! Scripted answers: the input of `PUT /_double/stub`, and how a request finds its stub.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Answer, Received};

/// A scripted answer or fault for one path.
///
/// A stub without `status`, `headers` and `body` lets the double answer normally, after the delay and with the fault; without those
/// too it only disables older stubs for its path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stub {
    /// The method it answers; any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path as sent, percent-encoded. Without a query it matches any query, otherwise only that one.
    pub path: String,
    /// Text that the request's body must contain; any body if absent. For APIs with a single path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containing: Option<String>,
    /// The status, 200 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers: a string or a number each, or an array of those for a repeated header.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// The body. A string is sent unchanged (`text/plain`), other values as JSON (`application/json`), unless `headers` has another
    /// content type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The number of uses after which the stub is removed; permanent if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Milliseconds before the answer or fault.
    pub delay_ms: u64,
    /// A connection fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// A fault between the double and its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection closes without an answer; the request had no effect.
    Reset,
    /// Headers with the full content length and half of the body, then the connection closes.
    Half,
    /// No answer until the client disconnects; the request had no effect.
    Hang,
    /// The request has its effect, then the connection closes without an answer.
    PostThenReset,
    /// The request has its effect, then there is no answer until the client disconnects.
    PostThenHang,
}

/// Why a stub was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStub {
    /// The path is missing or relative.
    #[error("path must begin with `/`, got {0:?}")]
    Path(String),
    /// Not an HTTP method.
    #[error("method is not an HTTP method: {0:?}")]
    Method(String),
    /// An invalid status.
    #[error("status must be between 200 and 599, got {0}")]
    Status(u16),
    /// An invalid header.
    #[error("header {0:?} cannot be sent: a name and a string, a number or an array of those are needed")]
    Header(String),
    /// A header that the server itself sets.
    #[error("header {0:?} is set by the server; to cut an answer use \"fault\": \"half\"")]
    ReservedHeader(String),
    /// A stub that would never be used.
    #[error("times must be at least 1; omit it for a permanent stub")]
    Times,
}

impl Stub {
    /// A stub for `method` and `path` that lets the double answer normally; add fields with struct update syntax.
    #[must_use]
    pub fn on(method: &str, path: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// A stub that answers with a status and a body.
    #[must_use]
    pub fn answering(method: &str, path: &str, status: u16, body: impl Into<Value>) -> Self {
        Self {
            status: Some(status),
            body: Some(body.into()),
            ..Self::on(method, path)
        }
    }

    /// A stub that interrupts the exchange.
    #[must_use]
    pub fn failing(method: &str, path: &str, fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::on(method, path)
        }
    }

    /// The same stub for the next `times` requests only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// The same stub for requests whose body contains this text.
    #[must_use]
    pub fn containing(self, text: &str) -> Self {
        Self {
            containing: Some(text.to_owned()),
            ..self
        }
    }

    /// The same stub with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// Checks the stub and prepares its answer.
    ///
    /// # Errors
    /// The first error.
    pub(super) fn prepare(self) -> Result<Prepared, InvalidStub> {
        if !self.path.starts_with('/') {
            return Err(InvalidStub::Path(self.path));
        }
        if self.times == Some(0) {
            return Err(InvalidStub::Times);
        }
        let method = match self.method {
            Some(method) => match method.to_ascii_uppercase().parse() {
                Ok(parsed) => Some(parsed),
                Err(_) => return Err(InvalidStub::Method(method)),
            },
            None => None,
        };
        let scripted = self.status.is_some() || self.body.is_some() || !self.headers.is_empty();
        let answer = scripted
            .then(|| answer(self.status, &self.headers, self.body))
            .transpose()?;
        let delay = Duration::from_millis(self.delay_ms);
        Ok(Prepared {
            method,
            path: self.path,
            containing: self.containing,
            answer,
            uses_left: self.times,
            delay,
            fault: self.fault,
        })
    }
}

fn answer(status: Option<u16>, headers: &Map<String, Value>, body: Option<Value>) -> Result<Answer, InvalidStub> {
    let code = status.unwrap_or(200);
    let status = match StatusCode::from_u16(code) {
        Ok(status) if (200..600).contains(&code) => status,
        _ => return Err(InvalidStub::Status(code)),
    };
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        let refused = || InvalidStub::Header(name.clone());
        let parsed = HeaderName::try_from(name).map_err(|_| refused())?;
        if parsed == CONTENT_LENGTH || parsed == TRANSFER_ENCODING {
            return Err(InvalidStub::ReservedHeader(name.clone()));
        }
        for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err(refused()),
            };
            sent.append(&parsed, HeaderValue::try_from(text).map_err(|_| refused())?);
        }
    }
    let (default_type, body) = match body {
        None => (None, Bytes::new()),
        Some(Value::String(text)) => (Some("text/plain"), text.into()),
        Some(json) => (Some("application/json"), json.to_string().into()),
    };
    if let Some(default_type) = default_type
        && !sent.contains_key(CONTENT_TYPE)
    {
        sent.insert(CONTENT_TYPE, HeaderValue::from_static(default_type));
    }
    Ok(Answer {
        status,
        headers: sent,
        body,
    })
}

/// A checked stub in use.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    method: Option<Method>,
    path: String,
    containing: Option<String>,
    /// The scripted answer; without one the double answers normally.
    pub(super) answer: Option<Answer>,
    uses_left: Option<u32>,
    pub(super) delay: Duration,
    pub(super) fault: Option<Fault>,
}

impl Prepared {
    fn matches(&self, request: &Received) -> bool {
        let target = if self.path.contains('?') {
            request.target.as_str()
        } else {
            request.path()
        };
        let contains = |text: &String| String::from_utf8_lossy(&request.body).contains(text.as_str());
        self.path == target
            && self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.containing.as_ref().is_none_or(contains)
    }
}

/// Takes the newest matching stub and counts the use; removes an exhausted stub.
pub(super) fn take(stubs: &mut Vec<Prepared>, request: &Received) -> Option<Prepared> {
    let index = stubs.iter().rposition(|stub| stub.matches(request))?;
    let stub = &mut stubs[index];
    match &mut stub.uses_left {
        Some(1) => Some(stubs.remove(index)),
        Some(left) => {
            *left -= 1;
            Some(stub.clone())
        }
        None => Some(stub.clone()),
    }
}
