//! The audit log: one JSON line on standard output for every external call, every authentication and every recorded decision.
//!
//! Why a printed line: on Lambda nothing runs after the response, so a background sender would lose entries, and a synchronous one
//! would cost milliseconds and couple every function to the destination. The platform ships standard output even if the process
//! dies in the next instruction.
//!
//! # Redaction
//!
//! Text reaches a line only as a [`Text`], whose constructors remove tokens, keys, passwords, e-mail addresses, query strings and
//! PEM blocks, and name what they removed. JSON and bytes are not accepted.
#![warn(missing_docs)]

mod action;
mod context;
mod detail;
mod entry;
mod failure;
mod identifier;
pub mod line_schema;
mod memory;
mod redact;
mod target;
mod text;
pub mod traceparent;
mod writer;

pub use action::{Action, ActionName};
pub use context::{ActorType, Context};
pub use detail::Detail;
pub use entry::{AnnouncedCall, Entry, Outcome};
pub use failure::FailureClass;
pub use identifier::{command_correlation, digest_uuid, entry_id};
pub use memory::Memory;
/// The parts of a target and a clock: a service that embeds the audit log needs no other crate of this system.
pub use model::{Clock, MergeRequestIid, MergeRequestKey, ProjectId, SystemClock};
pub use target::Target;
pub use text::Text;
pub use writer::{Sink, Stdout, Writer};

#[cfg(test)]
mod published;

/// The JSON Schema (draft 2020-12) of every line of the audit log.
pub const SCHEMA: &str = include_str!("../schema/audit-line.schema.json");

/// `event_type` of an entry.
pub const ENTRY: &str = "audit";
/// `event_type` of the announcement of a call.
pub const INTENT: &str = "audit_intent";
