//! The audit log end to end: from a function's output into Postgres and to the destinations, nothing missing, nothing twice.

mod destinations;
mod gap;
mod story;
