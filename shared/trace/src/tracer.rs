//! Begins spans, and keeps them until they are exported.

use std::sync::Arc;
use std::time::Instant;

use audit::{Action, AnnouncedCall, Context};
use model::Clock;
use uuid::Uuid;

use crate::finished::{Finished, Shared, Taken};
use crate::span::OpenSpan;
use crate::{Sampler, Span, SpanKind, Traceparent};

/// Error of work that is cancelled before its end.
const CANCELLED: &str = "cancelled";

/// Begins the spans of one process. Cheap to clone, and empty while tracing is off.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Shared>>);

impl Tracer {
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Tracing, for traces that `sampler` keeps.
    #[must_use]
    pub fn on(sampler: Sampler, clock: Arc<dyn Clock>) -> Self {
        Self(Some(Arc::new(Shared::new(sampler, clock))))
    }

    /// Begins work that another process requested, in the trace received with the request.
    pub fn begin(&self, kind: SpanKind, name: &'static str, context: &Context) -> Span {
        self.open(kind, name, context, Origin::Remote, None)
    }

    /// Begins work whose requester has no spans. A trace in `context` is continued, for its id, but its span and its sampling
    /// decision are ignored: they are the platform's.
    pub fn begin_trace(&self, kind: SpanKind, name: &'static str, context: &Context) -> Span {
        self.open(kind, name, context, Origin::Here, None)
    }

    /// Begins a call that is announced in the audit log. The second half of the entry's id is the id of the span, so that each
    /// leads to the other.
    pub fn begin_call(&self, kind: SpanKind, announced: AnnouncedCall, action: Action, context: &Context) -> Span {
        let span_id = announced.id().as_u64_pair().1;
        self.open(kind, action.as_str(), context, Origin::Local, Some(span_id))
    }

    /// The spans that ended since the last time.
    #[must_use]
    pub fn take(&self) -> Taken {
        self.0.as_ref().map(|shared| shared.take()).unwrap_or_default()
    }

    fn open(
        &self,
        kind: SpanKind,
        name: &'static str,
        context: &Context,
        origin: Origin,
        span_id: Option<u64>,
    ) -> Span {
        let Some(shared) = &self.0 else { return Span::none() };
        let known = context.traceparent.as_deref().and_then(Traceparent::parse);
        let parent = known.filter(|_| origin != Origin::Here);
        let trace_id = known.map_or_else(|| trace_of(context.correlation_id), |known| known.trace_id);
        let kept = shared.sampler.keeps(trace_id, parent.map(Traceparent::sampled));
        let position = Traceparent::new(trace_id, span_id.unwrap_or_else(random), kept);
        Span::open(OpenSpan {
            context: context.clone().with_traceparent(Some(position.to_string())),
            kept: kept.then(|| Finished {
                position,
                parent: parent.map(|parent| parent.span_id),
                remote_parent: origin == Origin::Remote,
                kind,
                name,
                correlation_id: context.correlation_id,
                began: shared.clock.now(),
                nanoseconds: 0,
                attributes: Vec::new(),
                error: Some(CANCELLED.to_owned()),
            }),
            shared: Arc::clone(shared),
            started: Instant::now(),
        })
    }
}

/// The parent of a new span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Local,
    Remote,
    /// Nowhere: the trace begins here.
    Here,
}

/// The id of a new trace: the correlation id, so that each leads to the other.
fn trace_of(correlation_id: Uuid) -> u128 {
    match correlation_id.as_u128() {
        0 => Uuid::now_v7().as_u128(), // a trace id must not be zero
        id => id,
    }
}

/// Eight random bytes with the variant of a UUID: never zero.
fn random() -> u64 {
    Uuid::now_v7().as_u64_pair().1
}

#[cfg(test)]
mod tests;
