//! What other systems send to Countersign, authenticated and translated into the types of [`model`]. Pure: no IO, no clock, no async.

pub mod gitlab;
