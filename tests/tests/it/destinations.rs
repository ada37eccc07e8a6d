//! The destinations against real receivers: whatever goes wrong on the way, every entry arrives, and what arrives twice has the same id.

mod http;
mod syslog;
mod trail;
