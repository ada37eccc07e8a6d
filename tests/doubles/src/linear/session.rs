//! The execution of one operation: its world, its changes and its rejections.

use std::cell::{Cell, RefCell};

use apollo_compiler::resolvers::FieldError;
use jiff::Timestamp;

use super::refusal::Refusal;
use super::world::World;

/// The execution of one operation.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) world: &'a RefCell<World>,
    pub(super) now: Timestamp,
    /// Changes since the double's start.
    pub(super) changes: Cell<u32>,
    /// Whether the next nullable field fails.
    pub(super) failing: Cell<bool>,
    /// Rejections in the order of the errors in the answer.
    pub(super) refusals: RefCell<Vec<Refusal>>,
}

impl Session<'_> {
    /// Records a rejection for the answer, and returns its placeholder error.
    pub(super) fn refuse(&self, refusal: Refusal) -> FieldError {
        let message = refusal.message.clone();
        self.refusals.borrow_mut().push(refusal);
        FieldError { message }
    }
}
