//! An upgrade from the previous release: its data with this version's code, and its programs on this version's schema.

mod comparison;
mod decisions;
mod filled;
mod later;
mod lives;
mod release;
mod skew;
mod tables;
