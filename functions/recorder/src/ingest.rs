//! What comes in: log lines, decoded, stored, or queued for a retry.

pub(crate) mod lines;
pub(crate) mod logs;
pub(crate) mod own_lines;
pub(crate) mod producer_lines;
pub(crate) mod retry;
pub(crate) mod store_lines;
