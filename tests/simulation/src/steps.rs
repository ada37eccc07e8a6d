//! A life as a list of steps, so that other tests can play it through the real binaries.

use crate::Built;
use crate::api::{Endpoint, Failure};
use crate::hooks::Delivery;
use crate::setting::MergeTime;
use crate::view::View;

/// One step. The steps of a life are in the order of their times; [`Step::Advance`] moves the clock between them.
#[derive(Debug, Clone)]
pub enum Step {
    /// The virtual clock moves to this instant (milliseconds, see [`crate::clock`]).
    Advance(i64),
    /// From now on GitLab's endpoints show this.
    World(Box<View>),
    /// This delivery arrives.
    Deliver(Box<Delivery>),
    /// An endpoint (`None`: all of them) fails from now on, or no longer (`failure` is `None`).
    Fault {
        /// Which.
        endpoint: Option<Endpoint>,
        /// How; `None`: it answers again.
        failure: Option<Failure>,
    },
    /// An endpoint (`None`: all of them) shows from now on what was shown so many milliseconds before; 0: no longer.
    Lag {
        /// Which.
        endpoint: Option<Endpoint>,
        /// By how much it is behind.
        by_ms: i64,
    },
}

impl Built {
    /// Every step, the clock's included. The last one is an [`Step::Advance`] to the end.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut timed: Vec<(i64, Step)> = Vec::new();
        let view = |state, at| Step::World(Box::new(View::of(&self.world, state, at)));
        timed.extend(
            self.world
                .states
                .iter()
                .map(|(since, state)| (*since, view(state, *since))),
        );
        if let (Some(merged_at), MergeTime::HiddenFor(ms)) = (self.world.merged_at(), self.world.setting.merge_time) {
            let at = merged_at + ms;
            timed.push((at, view(self.world.at(at), at)));
        }
        for fault in &self.faults {
            let endpoint = fault.endpoint;
            let step = |failure| Step::Fault { endpoint, failure };
            timed.extend([(fault.from, step(Some(fault.failure))), (fault.to, step(None))]);
        }
        for lag in &self.lags {
            let endpoint = lag.endpoint;
            let step = |by_ms| Step::Lag { endpoint, by_ms };
            timed.extend([(lag.from, step(lag.by_ms)), (lag.to, step(0))]);
        }
        let deliver = |delivery: &Delivery| (delivery.received_at, Step::Deliver(Box::new(delivery.clone())));
        timed.extend(self.deliveries.iter().map(deliver));
        timed.retain(|(at, _)| *at <= self.until);
        timed.sort_by_key(|(at, _)| *at);
        let mut steps = Vec::new();
        let mut now = i64::MIN;
        for (at, step) in timed {
            let at = at.max(0);
            if at > now {
                steps.push(Step::Advance(at));
                now = at;
            }
            steps.push(step);
        }
        steps.push(Step::Advance(self.until));
        steps
    }
}
