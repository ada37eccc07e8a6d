//! The queue under crashes, damage and destinations that fail.

mod damage;
mod destinations;
#[cfg(feature = "file")]
mod environment;
mod full;
mod interrupted;
#[cfg(feature = "file")]
mod killed;
mod model;
mod opening;
mod support;
