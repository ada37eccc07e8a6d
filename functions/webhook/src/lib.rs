//! Receives GitLab's webhook deliveries: authenticates each over its exact bytes, audits the result as one line, puts a compact
//! envelope on the deliveries queue and answers.
//!
//! It never touches the database and calls nobody but Secrets Manager, SQS and, if tracing is configured, the spans' collector. One
//! request goes this way:
//!
//! 1. [`event`]: API Gateway's event, read so tolerantly that every request reaches the code below;
//! 2. [`gateway`]: whatever would make `lambda_http` panic is taken off, and a panic becomes an answer;
//! 3. [`judge`]: pure judgement of the request by the hooks of the secret;
//! 4. [`verification`]: the audit entry of that judgement; [`origin`]: whether the sender's address is the usual one;
//! 5. [`envelope`]: what goes on the queue;
//! 6. [`answer`]: what the sender is told.

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
