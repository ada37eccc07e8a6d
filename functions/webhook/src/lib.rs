//! Receives what others send: webhook deliveries and audit event streams of GitLab, and audit entries of other services. It
//! authenticates each request over its exact bytes, audits the result as one line, sends a compact message to a queue and answers.
//!
//! It never uses the database and calls only Secrets Manager, SQS and, if tracing is configured, the collector of spans. The steps
//! of one request:
//!
//! 1. [`http::event`]: API Gateway's event, parsed so tolerantly that every request reaches the code below;
//! 2. [`http::panic_guard`]: turns a panic into an answer, and [`http::request`] removes what would make `lambda_http` panic;
//! 3. [`http::router`]: the handler of the path;
//! 4. [`gitlab_webhook`], [`gitlab_stream`], [`audit_events`]: assessment by the senders of the secret (pure), audit entry, message
//!    for a queue;
//! 5. [`http::response`]: the HTTP response.

pub mod audit_events;
pub mod config;
pub mod gitlab_stream;
pub mod gitlab_webhook;
pub mod http;
pub mod sender_secret;
pub mod senders;

#[cfg(test)]
mod fixtures;
