//! Histories of merge requests for tests.

mod events;
mod life;

pub(crate) use life::{ALICE, AUTHOR, BOB, Life, MERGED, OUTSIDER, RULES, at, rules, user};
