//! What other systems send to Countersign, authenticated and translated into the types of [`model`]. Pure: no IO, no clock, no async.

pub mod gitlab;
pub mod keys;
pub mod producer;
mod token;
