//! One life: what is done, how deliveries fare, what GitLab's API fails at. Plain data, so that any test can play it.

use crate::api::{Api, Fault, Lag};
use crate::clock::MINUTE;
use crate::gitlab::{Timed, World};
use crate::hooks::{Delivery, Fate, deliveries};
use crate::ledger::{self, Record};
use crate::setting::Setting;

/// One life, as it is generated.
#[derive(Debug, Clone)]
pub struct Life {
    /// What does not change.
    pub setting: Setting,
    /// What becomes of the hook of the opening.
    pub opening: Fate,
    /// What is done.
    pub acts: Vec<Timed>,
    /// Failures; their times count from the merge, or from the creation if there is no merge.
    pub faults: Vec<Fault>,
    /// Replicas behind; times as above.
    pub lags: Vec<Lag>,
    /// How long it is followed after the last delivery and the last act, in milliseconds.
    pub followed_ms: i64,
}

/// A life with everything that follows from it.
#[derive(Debug, Clone)]
pub struct Built {
    /// What really happened.
    pub world: World,
    /// Deliveries in the order of arrival.
    pub deliveries: Vec<Delivery>,
    /// Failures.
    pub faults: Vec<Fault>,
    /// Replicas behind.
    pub lags: Vec<Lag>,
    /// Until when it is followed.
    pub until: i64,
}

impl Life {
    /// Plays what people and GitLab do.
    #[must_use]
    pub fn build(&self) -> Built {
        let world = World::play(&self.setting, self.opening.clone(), &self.acts);
        let deliveries = deliveries(&world);
        let from = world.merged_at().unwrap_or(0);
        let faults = self.faults.iter().map(|fault| Fault {
            from: from.saturating_add(fault.from),
            to: from.saturating_add(fault.to),
            ..fault.clone()
        });
        let lags = self.lags.iter().map(|lag| Lag {
            from: from.saturating_add(lag.from),
            to: from.saturating_add(lag.to),
            ..lag.clone()
        });
        let last_act = world.states.last().map_or(0, |(since, _)| *since);
        let last = deliveries
            .iter()
            .map(|delivery| delivery.received_at)
            .chain([last_act])
            .max()
            .unwrap_or(0);
        Built {
            faults: faults.collect(),
            lags: lags.collect(),
            until: last + self.followed_ms.max(MINUTE),
            world,
            deliveries,
        }
    }
}

impl Built {
    /// GitLab's API.
    #[must_use]
    pub fn api(&self) -> Api<'_> {
        Api {
            world: &self.world,
            faults: &self.faults,
            lags: &self.lags,
        }
    }

    /// Plays the product's flow.
    #[must_use]
    pub fn play(&self) -> Record {
        ledger::play(self.api(), &self.deliveries, self.until)
    }
}
