//! The notifier's binary between a real Postgres and doubles of Slack and AWS: one message for one exception, despite failures.

mod exception_update;
mod ledger_event;
mod message;
mod refusal;
mod takeover;
mod unknown;
mod unknown_kind;
mod waiting;
