//! `POST /audit/events`: entries of other services.

pub mod assessment;
pub mod audit_entry;
pub mod handler;
