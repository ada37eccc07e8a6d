//! What Countersign calls: one audited HTTP client, and on top of it GitLab and Slack.
//!
//! Every request goes through [`http::Http`] and leaves exactly one line in the audit trail, also when it fails, is refused, or is
//! given up half-way. Nothing else in the workspace may build an HTTP client; a lint holds that.

mod address;
pub mod cloudformation;
mod error;
pub mod gitlab;
pub mod http;
pub mod otlp;
pub mod siem;
pub mod slack;

pub use address::InvalidAddress;
pub use error::{Advice, CallError};
