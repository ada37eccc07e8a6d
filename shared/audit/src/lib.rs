//! The audit trail: one JSON line on standard output for every external call, every authentication and every recorded decision.
//!
//! Why a printed line: on Lambda nothing runs after the response, so a background sender would lose entries, and a synchronous one
//! would cost milliseconds and couple every function to the sink. Standard output is shipped by the platform even if the process
//! dies in the next instruction.

mod action;
mod context;
pub mod destination;
mod entry;
mod failure;
mod identifier;
pub mod printed;
mod target;
mod writer;

pub use action::Action;
pub use context::{ActorType, Context};
pub use entry::{Begun, Entry, Outcome};
pub use failure::FailureClass;
pub use identifier::entry_id;
pub use target::Target;
pub use writer::{Memory, Writer};

/// `event_type` of an entry.
pub const ENTRY: &str = "audit";
/// `event_type` of the announcement of a call.
pub const INTENT: &str = "audit_intent";
