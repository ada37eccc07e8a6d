//! Real processes killed between two steps: nothing is lost and nothing is done twice.

mod processor;
mod relay;
