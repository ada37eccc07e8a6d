//! GitLab's audit event streams: who may send, and the events of a body.

mod event;
mod event_key;
mod key;
mod types;

pub use event::{StreamBody, StreamProblem, stream_events};
pub use key::{StreamFields, StreamSource};
pub use types::{InvalidTypes, StreamTypes};
