//! `POST /webhook`: GitLab's deliveries.

pub mod assessment;
pub mod audit_entry;
pub mod derived_entries;
pub mod envelope;
pub mod handler;
pub mod origin;
