//! The state of a double, and the system whose behaviour it holds.

use std::time::Duration;

use futures::channel::oneshot;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Delivery;
use super::stub::{self, Prepared};
use super::{Answer, Fault, Received, Recorded};

/// How one outside system behaves.
pub trait System: Default + Send + 'static {
    /// The state that a test may read and change, as a JSON object. The system's `default()` holds the first world.
    type World: Serialize + DeserializeOwned;
    /// The system's name, in lower case.
    const NAME: &'static str;
    /// The world's name in the control interface: `PUT /_double/{WORLD}`.
    const WORLD: &'static str = "world";

    /// The current world.
    fn world(&mut self) -> &mut Self::World;

    /// Answers a request, with its effects.
    fn answer(&mut self, request: &Received) -> Answer;
}

/// The state of a double.
#[derive(Debug)]
pub(super) struct Inner<S> {
    pub(super) system: S,
    pub(super) stubs: Vec<Prepared>,
    pub(super) requests: Vec<Recorded>,
    pub(super) waiting: Vec<oneshot::Sender<()>>,
}

impl<S: Default> Default for Inner<S> {
    fn default() -> Self {
        Self {
            system: S::default(),
            stubs: Vec::new(),
            requests: Vec::new(),
            waiting: Vec::new(),
        }
    }
}

impl<S: System> Inner<S> {
    pub(super) fn reset(&mut self) {
        self.system = S::default();
        self.stubs.clear();
        self.requests.clear();
    }

    /// Records the request and determines the answer and its delay. Effects happen here, before any delay.
    pub(super) fn handle(&mut self, request: &Received) -> (Delivery, Duration) {
        self.requests.push(request.record());
        // Dropping the senders wakes all waiters.
        self.waiting.clear();
        let Some(stub) = stub::take(&mut self.stubs, request) else {
            return (Delivery::Whole(self.system.answer(request)), Duration::ZERO);
        };
        let delivery = match stub.fault {
            Some(Fault::Reset) => Delivery::Reset,
            Some(Fault::Hang) => Delivery::Hang,
            Some(Fault::PostThenReset) => {
                self.system.answer(request);
                Delivery::Reset
            }
            Some(Fault::PostThenHang) => {
                self.system.answer(request);
                Delivery::Hang
            }
            Some(Fault::Half) => Delivery::Half(stub.answer.unwrap_or_else(|| self.system.answer(request))),
            None => Delivery::Whole(stub.answer.unwrap_or_else(|| self.system.answer(request))),
        };
        (delivery, stub.delay)
    }
}
