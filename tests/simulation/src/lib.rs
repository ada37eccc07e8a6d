//! Lives of merge requests: a simulated GitLab, the deliveries and answers it gives, the product's flow around the pure rules, and the
//! verdict that each life deserves. For tests.

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
