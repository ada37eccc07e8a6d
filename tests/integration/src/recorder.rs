//! The recorder with a real Postgres and real receivers: despite failures each entry arrives once and in order.

mod batches;
mod completeness;
mod env;
mod file;
mod gaps;
mod hanging;
mod hostile;
mod killed;
mod producer;
mod refusal;
mod retention;
mod retry;
mod siem;
