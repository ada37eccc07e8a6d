//! The queue under crashes, damage and destinations that fail.

mod damage;
mod destinations;
mod environment;
mod full;
mod killed;
mod model;
mod open_calls;
mod opening;
mod support;
