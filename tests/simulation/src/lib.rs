//! Lives of merge requests for tests: a simulated GitLab, its deliveries and answers, the product's flow around the pure rules,
//! and the verdict that each life should get.

pub mod api;
pub mod clock;
pub mod gitlab;
pub mod hooks;
pub mod ledger;
mod life;
mod people;
mod script;
pub mod setting;
pub mod story;
pub mod strategy;
pub mod summary;
pub mod truth;
pub mod view;

pub use life::{Built, Life};
pub use people::Person;
