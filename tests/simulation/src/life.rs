//! One life: acts, fates of deliveries, API failures. Plain data that any test can play.

use crate::api::{Api, Fault, Lag};
use crate::clock::MINUTE;
use crate::gitlab::{Fate, Timed, World};
use crate::hooks::{Delivery, deliveries};
use crate::ledger::{self, Record};
use crate::setting::Setting;

/// One life, as it is generated.
#[derive(Debug, Clone)]
pub struct Life {
    /// What stays constant.
    pub setting: Setting,
    /// What happens to the hook of the opening.
    pub opening: Fate,
    pub acts: Vec<Timed>,
    /// Failures; their times count from the merge, or from the creation if there is no merge.
    pub faults: Vec<Fault>,
    /// Lagging replicas; times as above.
    pub lags: Vec<Lag>,
    /// How long it is followed after the last delivery or act, in milliseconds.
    pub followed_ms: i64,
}

/// A life with everything derived from it.
#[derive(Debug, Clone)]
pub struct Built {
    /// What really happened.
    pub world: World,
    /// Deliveries in the order of arrival.
    pub deliveries: Vec<Delivery>,
    /// Failures.
    pub faults: Vec<Fault>,
    /// Lagging replicas.
    pub lags: Vec<Lag>,
    /// When following ends.
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
