//! The stored audit trail: each entry once and in one dense order, whatever comes twice, late, in another order or not at all.

mod batches;
mod crowd;
mod destinations;
mod gaps;
mod intents;
mod model;
mod months;
mod refusals;
mod sample;
mod sequence;
