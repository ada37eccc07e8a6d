//! Deliveries and REST answers from public reports, on which other tools failed.

mod answers;
mod approvers;
mod deliveries;
mod edits;
mod fixtures;
mod labels;
