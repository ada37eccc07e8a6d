//! The queue under crashes, damage and destinations that fail.

mod damage;
mod destinations;
mod interrupted;
mod model;
mod opening;
mod support;
