//! Deliveries and REST answers from public reports about failures of other tools.

mod answers;
mod approvers;
mod deliveries;
mod edits;
mod fixtures;
mod labels;
