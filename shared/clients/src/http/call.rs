//! One call as a client wants it made.

use std::time::Duration;

use audit::{Action, Context, Detail, Target};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use trace::Traceparent;
use url::Url;

use crate::error::Safety;

/// A call: what it is called in the trail, and the request.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) action: Action,
    pub(crate) context: &'a Context,
    pub(crate) target: &'a Target,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    /// Particulars of the audit entry, besides those that every call has.
    pub(crate) details: Vec<(&'static str, Detail)>,
    /// It changes nothing, although its method says so: a question that is posted.
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

    /// The same call with a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same call with a particular for its audit entry.
    pub(crate) fn detail(mut self, name: &'static str, value: impl Into<Detail>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// The same call, which changes nothing although it is posted.
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

    /// `context`: the call's own, or that of its span.
    pub(super) fn request(&self, context: &Context, timeout: Duration) -> Request {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        *request.timeout_mut() = Some(timeout);
        *request.headers_mut() = self.headers.clone();
        // A malformed traceparent is dropped: the receiver would have to start a new trace all the same.
        let traceparent = context.traceparent.as_deref().and_then(Traceparent::parse);
        if let Some(Ok(value)) = traceparent.map(|known| HeaderValue::try_from(known.to_string())) {
            request.headers_mut().insert("traceparent", value);
        }
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }
}
