//! The stored audit log: each entry once and in one dense order, despite repeated, late, reordered or missing lines.

mod batches;
mod conflicts;
mod crowd;
mod destinations;
mod gaps;
mod intents;
mod model;
mod months;
mod refusals;
mod sample;
mod sequence;
