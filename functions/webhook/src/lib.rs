//! Receives GitLab's webhook deliveries: authenticates each over its exact bytes, audits the result as one line, sends a compact
//! envelope to the deliveries queue and answers.
//!
//! It never uses the database and calls only Secrets Manager, SQS and, if tracing is configured, the collector of spans. The steps
//! of one request:
//!
//! 1. [`event`]: API Gateway's event, parsed so tolerantly that every request reaches the code below;
//! 2. [`gateway`]: removes what would make `lambda_http` panic, and turns a panic into an answer;
//! 3. [`judge`]: pure assessment of the request by the hooks of the secret;
//! 4. [`verification`]: the audit entry of that assessment; [`origin`]: whether the sender's address is the usual one;
//! 5. [`envelope`]: the message for the queue;
//! 6. [`answer`]: the HTTP response.

pub mod answer;
pub mod config;
pub mod envelope;
pub mod event;
pub mod gateway;
pub mod hooks;
pub mod judge;
pub mod origin;
pub mod refusal;
pub mod service;
pub mod traceparent;
pub mod verification;

#[cfg(test)]
mod fixtures;
