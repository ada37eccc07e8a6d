//! A simulated GitLab: turns acts into every state of the merge request and every deed that a hook could report.

mod acts;
mod state;

pub use acts::{Act, Deed, Done, Fate};
pub use state::{Given, LabelAct, Phase, State, Version};

use crate::clock::SECOND;
use crate::setting::Setting;

/// An act and the delay since the act before.
#[derive(Debug, Clone)]
pub struct Timed {
    /// Milliseconds since the act before.
    pub gap_ms: i64,
    /// What is done.
    pub act: Act,
    /// What happens to its hook.
    pub fate: Fate,
    /// How long after a push GitLab's reset runs.
    pub reset_after_ms: i64,
    /// What happens to the hook of that reset.
    pub reset_fate: Fate,
}

/// Something that GitLab does later.
#[derive(Debug, Clone)]
enum Job {
    /// Withdraws approvals that were given for another patch.
    Reset { pusher: crate::Person, fate: Fate },
    /// Withdraws the code owner's approval.
    ResetOwner { pusher: crate::Person, fate: Fate },
    /// The system note about an approval changes the row.
    Note,
}

/// Everything that happened.
#[derive(Debug, Clone)]
pub struct World {
    /// What stays constant.
    pub setting: Setting,
    /// The state since each instant, in order.
    pub states: Vec<(i64, State)>,
    /// What was done, in order.
    pub done: Vec<Done>,
}

impl World {
    /// Plays the acts. An act that GitLab would reject changes nothing.
    #[must_use]
    pub fn play(setting: &Setting, opening: Fate, acts: &[Timed]) -> Self {
        let mut world = Self {
            setting: setting.clone(),
            states: Vec::new(),
            done: Vec::new(),
        };
        world.keep(0, State::created(setting));
        world.report(Done {
            at: 0,
            by: crate::Person::Author,
            deed: Deed::Opened,
            fate: opening,
        });
        let mut jobs: Vec<(i64, Job)> = Vec::new();
        let mut now = 0;
        for timed in acts {
            now += timed.gap_ms.max(1);
            world.run(&mut jobs, now);
            world.act(timed, now, &mut jobs);
        }
        world.run(&mut jobs, i64::MAX);
        world
    }

    /// The state at an instant.
    #[must_use]
    pub fn at(&self, instant: i64) -> &State {
        let next = self.states.partition_point(|(since, _)| *since <= instant);
        &self.states[next.saturating_sub(1)].1
    }

    /// The state at the end.
    #[must_use]
    pub fn last(&self) -> &State {
        self.at(i64::MAX)
    }

    /// When it was merged.
    #[must_use]
    pub fn merged_at(&self) -> Option<i64> {
        self.last().merged_at
    }

    /// An instant on GitLab's clock.
    #[must_use]
    pub fn shown(&self, instant: i64) -> i64 {
        instant + self.setting.clock_offset_ms
    }

    fn keep(&mut self, at: i64, state: State) {
        self.states.push((at, state));
    }

    fn report(&mut self, done: Done) {
        self.done.push(done);
    }

    /// Runs the jobs that are due before an instant.
    fn run(&mut self, jobs: &mut Vec<(i64, Job)>, before: i64) {
        jobs.sort_by_key(|(due, _)| *due);
        let due = jobs.partition_point(|(due, _)| *due < before);
        for (at, job) in jobs.drain(..due) {
            self.job(at, &job);
        }
    }

    fn job(&mut self, at: i64, job: &Job) {
        let mut state = self.last().clone();
        let (pusher, fate, deed) = match job {
            Job::Note => {
                state.updated_at = at;
                self.keep(at, state);
                return;
            }
            Job::Reset { pusher, fate } => (*pusher, fate, state.reset()),
            Job::ResetOwner { pusher, fate } => (*pusher, fate, state.reset_owner(self.setting.code_owner)),
        };
        let Some(deed) = deed else { return };
        state.updated_at = at;
        self.keep(at, state);
        self.report(Done {
            at,
            by: pusher,
            deed,
            fate: fate.clone(),
        });
    }

    fn act(&mut self, timed: &Timed, now: i64, jobs: &mut Vec<(i64, Job)>) {
        let mut state = self.last().clone();
        let Some((by, deed)) = state.apply(timed.act, now, &self.setting) else {
            return;
        };
        match deed {
            // GitLab builds the hook of an approval before or after the note that changes the row.
            Deed::Approved | Deed::Withdrawn => jobs.push((now + timed.fate.note_ms.max(1), Job::Note)),
            Deed::Joined | Deed::Left | Deed::LabelDeleted(_) | Deed::LabelRenamed(_) | Deed::WithdrawnSilently => {}
            _ => state.updated_at = now,
        }
        if let Deed::Pushed { .. } = deed {
            let due = now + timed.reset_after_ms.clamp(2 * SECOND, 20 * SECOND);
            let fate = timed.reset_fate.clone();
            if self.setting.resets_on_push {
                jobs.push((
                    due,
                    Job::Reset {
                        pusher: by,
                        fate: fate.clone(),
                    },
                ));
            }
            if self.setting.code_owner.is_some() {
                jobs.push((due + 500, Job::ResetOwner { pusher: by, fate }));
            }
        }
        self.keep(now, state);
        self.report(Done {
            at: now,
            by,
            deed,
            fate: timed.fate.clone(),
        });
    }
}
