//! Lambda: configuration, secrets, telemetry, queues and batches.
//!
//! The only crate that knows AWS, and the only reader of the process environment. It does not know the domain: its callers define
//! the content of queues and secrets.
#![expect(
    clippy::missing_errors_doc,
    reason = "each error type says what to do; a section says only what a function adds"
)]

pub mod aws;
pub mod batch;
mod causes;
pub mod config;
mod deadline;
pub mod metrics;
pub mod secrets;
pub mod start;
pub mod telemetry;

pub use deadline::Deadline;
pub use start::{Process, StartError, start, start_keeping_lines};
