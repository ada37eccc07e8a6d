//! The local stack's parts and the helpers of the integration tests: doubles, Postgres, a Lambda Runtime API.

pub mod arrivals;
pub mod awslogs;
pub mod bench;
pub mod clock;
pub mod doubles;
pub mod payload;
pub mod postgres;
pub mod postgres_proxy;
pub mod runtime_api;
pub mod stack;
