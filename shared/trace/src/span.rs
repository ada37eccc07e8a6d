//! One piece of work with its start and its end.

use std::sync::Arc;
use std::time::Instant;

use audit::Context;

use crate::finished::{Finished, Shared, Value};

/// The value of an attribute. Never a secret, a body, a query or an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute<'a> {
    Text(&'a str),
    Number(i64),
}

impl<'a> From<&'a str> for Attribute<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for Attribute<'_> {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Attribute<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// Work in progress; one pointer wide, and empty while tracing is off. If it is dropped without [`Span::end`], as after a
/// cancellation or a panic, it counts as failed.
#[derive(Debug)]
#[must_use = "a span lasts as long as it is held"]
pub struct Span(Option<Box<OpenSpan>>);

#[derive(Debug)]
pub(crate) struct OpenSpan {
    pub(crate) shared: Arc<Shared>,
    pub(crate) context: Context,
    pub(crate) kept: Option<Finished>,
    pub(crate) started: Instant,
}

impl Span {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn open(open: OpenSpan) -> Self {
        Self(Some(Box::new(open)))
    }

    /// The context of the work inside this span: `outer` with this span as the parent of what follows, or `outer` itself while
    /// tracing is off.
    #[must_use]
    pub fn context<'a>(&'a self, outer: &'a Context) -> &'a Context {
        self.0.as_ref().map_or(outer, |open| &open.context)
    }

    /// Adds an attribute, named by OpenTelemetry's semantic conventions if they define it.
    pub fn attribute<'a>(&mut self, name: &'static str, value: impl Into<Attribute<'a>>) {
        if let Some(kept) = self.kept() {
            let value = match value.into() {
                Attribute::Text(text) => Value::Text(text.to_owned()),
                Attribute::Number(number) => Value::Number(number),
            };
            kept.attributes.push((name, value));
        }
    }

    /// Ends it; `error` is the class of the failure, if any.
    pub fn end(mut self, error: Option<&str>) {
        if let Some(kept) = self.kept() {
            kept.error = error.map(str::to_owned);
        }
    }

    fn kept(&mut self) -> Option<&mut Finished> {
        self.0.as_mut()?.kept.as_mut()
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if let Some(mut kept) = self.kept.take() {
            kept.nanoseconds = i128::try_from(self.started.elapsed().as_nanos()).unwrap_or(i128::MAX);
            self.shared.keep(kept);
        }
    }
}
