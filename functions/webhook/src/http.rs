//! One HTTP request: API Gateway's event, its route, and the response.

pub mod audit_entry;
pub mod context;
pub mod event;
pub mod intake;
pub mod panic_guard;
pub mod refusal;
pub mod request;
pub mod response;
pub mod route;
pub mod router;
pub mod traceparent;
