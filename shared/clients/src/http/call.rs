//! One call, as its client describes it.

use std::time::Duration;

use audit::{Action, Context, Detail, Target};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use serde_json::Value;
use trace::Traceparent;
use url::Url;

use crate::error::Safety;

/// A call: its name in the audit log, and the request.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) action: Action,
    pub(crate) context: &'a Context,
    pub(crate) target: &'a Target,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    /// Details of the audit entry, in addition to those of every call.
    pub(crate) details: Vec<(&'static str, Detail)>,
    /// The call changes nothing although its method suggests it: a query sent by `POST`.
    pub(crate) only_asks: bool,
}

impl<'a> Call<'a> {
    /// A `GET`.
    pub(crate) fn get(action: Action, context: &'a Context, target: &'a Target, url: Url) -> Self {
        Self {
            action,
            context,
            target,
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            details: Vec::new(),
            only_asks: false,
        }
    }

    /// A `POST` of JSON.
    pub(crate) fn post(action: Action, context: &'a Context, target: &'a Target, url: Url, body: Vec<u8>) -> Self {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        let call = Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(action, context, target, url)
        };
        call.header(reqwest::header::CONTENT_TYPE, json)
    }

    /// A change with JSON, by this method.
    pub(crate) fn change(
        action: Action,
        context: &'a Context,
        target: &'a Target,
        (method, url): (Method, Url),
        body: &Value,
    ) -> Self {
        let call = Self::post(action, context, target, url, body.to_string().into_bytes());
        Self { method, ..call }
    }

    /// The same call with a credential. The client's constructor has checked that it is a valid header value.
    pub(crate) fn authorized<E>(self, credential: Result<HeaderValue, E>) -> Self {
        match credential {
            Ok(value) => self.header(AUTHORIZATION, value),
            Err(_) => self,
        }
    }

    /// The same call with a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same call with a detail for its audit entry.
    pub(crate) fn detail(mut self, name: &'static str, value: impl Into<Detail>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// The same call as a read, although it is sent by `POST`.
    pub(crate) fn only_asking(self) -> Self {
        Self {
            only_asks: true,
            ..self
        }
    }

    pub(crate) fn safety(&self) -> Safety {
        if self.only_asks || self.method.is_safe() {
            Safety::Reads
        } else {
            Safety::Acts
        }
    }

    /// `context`: that of the call, or of its span.
    pub(super) fn request(&self, context: &Context, timeout: Duration) -> Request {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        *request.timeout_mut() = Some(timeout);
        *request.headers_mut() = self.headers.clone();
        // A malformed traceparent is dropped: the receiver would start a new trace in any case.
        let traceparent = context.traceparent.as_deref().and_then(Traceparent::parse);
        if let Some(Ok(value)) = traceparent.map(|known| HeaderValue::try_from(known.to_string())) {
            request.headers_mut().insert("traceparent", value);
        }
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }
}
