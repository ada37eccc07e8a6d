//! Hand-written lives: acts at given times, hooks that arrive within a second.

use crate::api::{Endpoint, Failure, Fault, Lag};
use crate::clock::HOUR;
use crate::gitlab::{Act, Fate, Timed};
use crate::setting::{Label, MergeTime, Profile, Setting, Version};
use crate::{Life, Person};

impl Life {
    /// Created with these labels on the newest GitLab; nothing else happens yet.
    #[must_use]
    pub fn with_labels(labels: &[Label]) -> Self {
        Self {
            setting: Setting {
                version: Version(19, 1),
                profile: Profile::Plain,
                clock_offset_ms: 0,
                resets_on_push: false,
                code_owner: None,
                team: [Person::Alice, Person::Bob].into(),
                labels: labels.iter().copied().collect(),
                merge_time: MergeTime::Shown,
            },
            opening: prompt(),
            acts: Vec::new(),
            faults: Vec::new(),
            lags: Vec::new(),
            followed_ms: HOUR,
        }
    }

    /// On this version of GitLab.
    #[must_use]
    pub fn on(mut self, version: Version) -> Self {
        self.setting.version = version;
        self
    }

    /// An act at an instant, not before that of the act before.
    #[must_use]
    pub fn at(self, instant: i64, act: Act) -> Self {
        self.at_with(instant, act, prompt())
    }

    /// The same with a lost hook.
    #[must_use]
    pub fn without_hook(self, instant: i64, act: Act) -> Self {
        let fate = Fate { lost: true, ..prompt() };
        self.at_with(instant, act, fate)
    }

    /// The same with any fate of its hook.
    #[must_use]
    pub fn at_with(mut self, instant: i64, act: Act, fate: Fate) -> Self {
        let before: i64 = self.acts.iter().map(|timed| timed.gap_ms).sum();
        self.acts.push(Timed {
            gap_ms: instant - before,
            act,
            fate,
            reset_after_ms: 10_000,
            reset_fate: prompt(),
        });
        self
    }

    /// A failing endpoint; times count from the merge.
    #[must_use]
    pub fn failing(mut self, endpoint: Endpoint, from: i64, to: i64, failure: Failure) -> Self {
        self.faults.push(Fault {
            endpoint: Some(endpoint),
            from,
            to,
            failure,
        });
        self
    }

    /// A lagging endpoint; times count from the merge.
    #[must_use]
    pub fn lagging(mut self, endpoint: Endpoint, from: i64, to: i64, by_ms: i64) -> Self {
        self.lags.push(Lag {
            endpoint: Some(endpoint),
            from,
            to,
            by_ms,
        });
        self
    }
}

/// Arrives half a second after the act; the system note follows a second later.
fn prompt() -> Fate {
    Fate {
        built_ms: 100,
        note_ms: 1_000,
        delay_ms: 400,
        ..Fate::default()
    }
}
