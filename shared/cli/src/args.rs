//! Arguments that several commands share.

pub(crate) mod database;
pub(crate) mod instant;
pub(crate) mod merge_request;
