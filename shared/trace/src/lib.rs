//! Trace context and spans: which trace a piece of work belongs to, what is recorded about it, and its wire format.
//!
//! The [`audit::Context`] of the work carries its `traceparent` from ingress to the last call. With tracing off (the default) a
//! [`Tracer`] holds nothing, a [`Span`] is an empty pointer, and the received `traceparent` is passed on unchanged. With tracing on
//! each span has its own `traceparent`, which the work inside it passes on.
//!
//! No subscriber and no background task: spans are kept in memory and exported before the invocation is answered, since Lambda
//! freezes the process after that. They may be lost; the audit log may not, and does not depend on them.

mod export;
mod finished;
mod otlp;
mod sampler;
mod span;
mod traceparent;
mod tracer;

pub use export::{Export, ExportDestination, ExportError, Exporting};
pub use finished::{Finished, MOST_KEPT, SpanKind, Taken};
pub use otlp::{Resource, encode};
pub use sampler::Sampler;
pub use span::{Attribute, Span};
pub use traceparent::Traceparent;
pub use tracer::Tracer;
