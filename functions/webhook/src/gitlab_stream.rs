//! `POST /audit/gitlab`: events of GitLab's audit event streams.

pub mod assessment;
pub mod audit_entry;
pub mod handler;
pub mod messages;
