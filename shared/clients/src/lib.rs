//! Clients of external systems: one audited HTTP client, and on top of it GitLab, Slack, Linear, Jira and Confluence.
//!
//! Every request goes through [`http::Http`] and leaves exactly one line in the audit log, also when it fails, is rejected, or is
//! cancelled. Nothing else in the workspace may build an HTTP client; a lint enforces that.
#![expect(
    clippy::missing_errors_doc,
    reason = "each error type says what to do; a section says only what a function adds"
)]

mod address;
mod atlassian;
pub mod cloudformation;
pub mod confluence;
mod error;
pub mod gitlab;
pub mod http;
mod merge_summary;
pub mod otlp;
mod plain;
pub mod siem;
pub mod slack;
#[cfg(test)]
mod testing;
mod trackers;

pub use address::InvalidAddress;
pub use atlassian::AtlassianCredential;
pub use error::{Advice, CallError};
pub use merge_summary::{MergeSummary, Tracked, TrackerOptions};
pub use trackers::{jira, linear};
