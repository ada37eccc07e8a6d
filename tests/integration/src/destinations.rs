//! The destinations against real receivers: despite failures every entry arrives, and duplicates have the same id.

mod audit_entries;
mod http;
mod syslog;
