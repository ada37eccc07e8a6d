//! The outbox: effects, attempts at them, what they need, and what is due.

mod attempts;
mod backlog;
mod exception_update;
mod merge;
mod outbox;
mod outcome;

pub use attempts::{AttemptResult, Lease};
pub use backlog::Backlog;
pub use exception_update::{ExceptionAlert, ExceptionUpdate, UpdateDecision};
pub use merge::MergeForEffect;
pub use outbox::NewEffect;
pub(crate) use outbox::{EFFECT_COLUMNS, read_effect};
pub use outcome::AttemptOutcome;
