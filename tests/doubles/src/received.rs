//! A request received by a double.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest body that a double reads, in bytes: above GitLab's own limit for webhook payloads (25 MB).
const LONGEST_BODY: usize = 32 * 1024 * 1024;

/// A request with its bytes, for the code that answers it.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it was read completely.
    pub time: Timestamp,
    pub method: Method,
    /// Path and query exactly as sent, with percent-encoding.
    pub target: String,
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

impl Received {
    /// Reads the whole request.
    ///
    /// # Errors
    /// If the body is too long or incomplete.
    pub(super) async fn read(request: Request<Body>, time: Timestamp) -> Result<Self, axum::Error> {
        let (head, body) = request.into_parts();
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        let body = to_bytes(body, LONGEST_BODY).await?;
        Ok(Self {
            time,
            method: head.method,
            target,
            headers: head.headers,
            body,
        })
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query as sent, without the question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The decoded value of one query parameter, the last one if it is repeated.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query()?.as_bytes())
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    }

    /// The first value of a header, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of an `Authorization: Bearer` header; an empty token counts as absent.
    #[must_use]
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// The address used by the client, such as `http://127.0.0.1:4010`, for links in answers.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("localhost"))
    }

    /// The record for tests.
    #[must_use]
    pub fn record(&self) -> Recorded {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|seen| {
                    seen.push_str(", ");
                    seen.push_str(&value);
                })
                .or_insert_with(|| value.into_owned());
        }
        Recorded {
            time: self.time,
            method: self.method.to_string(),
            path: self.target.clone(),
            query: self.query().map(str::to_owned),
            headers,
            body: serde_json::from_slice(&self.body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned())),
        }
    }
}

/// One entry of `GET /_double/requests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// When the request was read completely.
    pub time: Timestamp,
    /// The method, in capitals.
    pub method: String,
    /// Path and query exactly as sent.
    pub path: String,
    /// The query as sent, without the question mark; absent without a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Header names in lower case; repeated headers are joined with a comma.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON if it parses, else as a string (empty without a body).
    pub body: Value,
}
