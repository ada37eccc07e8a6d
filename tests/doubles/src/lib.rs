//! Doubles of the systems around Countersign: real HTTP servers on the loopback interface that tests can script.
//!
//! Each double runs on its own thread, so it answers even while a test waits for a child process. Dropping its handle stops it and
//! closes open connections. They behave like the real system for the calls that Countersign makes ([`gitlab`], [`slack`],
//! [`linear`], [`jira`], [`confluence`], [`aws`], [`otlp`], [`siem`]) and share one control interface, in process ([`Double`]) and
//! over HTTP:
//!
//! | request | effect |
//! |---|---|
//! | `PUT /_double/stub` | adds a [`Stub`]: an answer or a fault for one path; the newest matching stub wins |
//! | `DELETE /_double/stub` | removes all stubs and keeps everything else |
//! | `GET /_double/requests` | every request seen, oldest first, as an array of [`Recorded`] |
//! | `GET /_double/world`, `PUT /_double/world` | reads the world, or merges a JSON patch (RFC 7396); Slack's: `behaviour` |
//! | `DELETE /_double` | resets: no stubs, no requests, the first world |
//! | `GET /_double` | `{"system": ...}`: the double is up |
//!
//! Requests to the control interface are not recorded. A rejected control request is answered 400 with the reason.

mod answer;
pub mod aws;
pub mod awslogs;
pub mod clock;
pub mod confluence;
mod control;
mod double;
pub mod gitlab;
pub mod jira;
pub mod linear;
#[cfg(test)]
pub(crate) mod loopback;
mod merge_patch;
pub mod otlp;
pub mod payload;
pub mod postgres;
pub mod postgres_proxy;
mod received;
pub mod runtime_api;
mod server;
pub mod siem;
pub mod slack;
mod state;
mod stub;
pub mod syslog;

pub use answer::Answer;
pub use double::Double;
pub use received::{Received, Recorded};
pub use state::System;
pub use stub::{Fault, InvalidStub, Stub};

pub(crate) use server::Server;

#[cfg(test)]
mod tests;
