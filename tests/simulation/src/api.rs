//! What GitLab's API answers at an instant: replicas that lag, endpoints that fail or are withheld.

mod answer;
mod endpoint;

use model::{GitLabAnswer, LabelFacts};

use crate::gitlab::{State, World};
use crate::view::View;

pub use endpoint::{Endpoint, Failure, Fault, Lag};

/// Whether the merge request must be merged, or is read before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For the verdict on a merge.
    Merge,
    /// For the review before it: as if merged a day later.
    Review,
}

/// GitLab's API.
#[derive(Debug, Clone, Copy)]
pub struct Api<'a> {
    /// The real state.
    pub world: &'a World,
    /// Failures in effect.
    pub faults: &'a [Fault],
    /// Lagging replicas.
    pub lags: &'a [Lag],
}

/// One reading.
#[derive(Debug, Clone)]
pub struct Reading {
    /// When it began.
    pub at: i64,
    /// The answer it got.
    pub answer: GitLabAnswer,
    /// Every endpoint that it used answered from the current database state.
    pub fresh: bool,
}

impl<'a> Api<'a> {
    /// The state that an endpoint answers from, or the failure.
    fn ask(&self, endpoint: Endpoint, at: i64) -> Result<&'a State, Failure> {
        let concerns = |which: Option<Endpoint>| which.is_none_or(|which| which == endpoint);
        let fault = self
            .faults
            .iter()
            .find(|fault| concerns(fault.endpoint) && (fault.from..fault.to).contains(&at));
        match fault {
            Some(fault) => Err(fault.failure),
            None => Ok(self.world.at(at - self.behind(endpoint, at))),
        }
    }

    /// What an endpoint shows at an instant, or how it fails.
    ///
    /// # Errors
    /// The failure.
    pub fn shows(&self, endpoint: Endpoint, at: i64) -> Result<View, Failure> {
        let state = self.ask(endpoint, at)?;
        Ok(View::of(self.world, state, at))
    }

    fn behind(&self, endpoint: Endpoint, at: i64) -> i64 {
        let concerns = |which: Option<Endpoint>| which.is_none_or(|which| which == endpoint);
        let lag = self
            .lags
            .iter()
            .find(|lag| concerns(lag.endpoint) && (lag.from..lag.to).contains(&at));
        lag.map_or(0, |lag| lag.by_ms)
    }

    /// Whether every endpoint answers from the current state.
    #[must_use]
    pub fn is_fresh(&self, at: i64) -> bool {
        Endpoint::ALL
            .into_iter()
            .all(|endpoint| self.ask(endpoint, at).is_ok_and(|state| state == self.world.at(at)))
    }

    /// Whether the API shows a person in the security group; `None`: unknown.
    #[must_use]
    pub fn is_member(&self, person: crate::Person, at: i64) -> Option<bool> {
        let state = self.ask(Endpoint::Members, at).ok()?;
        Some(state.team.contains(&person))
    }

    /// Reads once.
    pub fn read(&self, at: i64, mode: Mode, wanted: impl Fn(&LabelFacts) -> bool) -> Reading {
        Reading {
            at,
            answer: answer::Answering { api: self, at, mode }.read(&wanted),
            fresh: self.is_fresh(at),
        }
    }
}
