//! Receives webhook deliveries: authenticates each over its exact bytes, audits the result as one line, sends a compact envelope to
//! the deliveries queue and answers.
//!
//! It never uses the database and calls only Secrets Manager, SQS and, if tracing is configured, the collector of spans. The steps
//! of one request:
//!
//! 1. [`http::event`]: API Gateway's event, parsed so tolerantly that every request reaches the code below;
//! 2. [`http::panic_guard`]: turns a panic into an answer, and [`http::request`] removes what would make `lambda_http` panic;
//! 3. [`http::router`]: the handler of the path;
//! 4. [`gitlab_webhook`]: assessment by the hooks of the secret (pure), audit entry, message for the queue;
//! 5. [`http::response`]: the HTTP response.

pub mod config;
pub mod gitlab_webhook;
pub mod hooks;
pub mod http;

#[cfg(test)]
mod fixtures;
