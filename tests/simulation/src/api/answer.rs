//! Builds from single endpoints what the client builds: an answer, labels only, or what could be read.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ApiAnswer, Approval, DiffVersion, LabelEvent, LabelsRead, MergeFact, NOT_ASKED, Reading, Unread, UserId, WitnessA,
};

use super::{Api, Endpoint, Failure, Mode};
use crate::Person;
use crate::clock::{DAY, SECOND, timestamp};
use crate::gitlab::{Phase, State};
use crate::setting::{MergeTime, Profile};

pub(super) struct Answering<'a, 'b> {
    pub(super) api: &'b Api<'a>,
    pub(super) at: i64,
    pub(super) mode: Mode,
}

/// Why a needed part is missing, and how.
type Part<T> = Result<Reading<T>, String>;

impl<'a> Answering<'a, '_> {
    fn ask(&self, endpoint: Endpoint) -> Result<&'a State, Failure> {
        self.api.ask(endpoint, self.at)
    }

    fn shown(&self, instant: i64) -> jiff::Timestamp {
        timestamp(self.api.world.shown(instant))
    }

    /// What is withheld is unknown; what fails is missing.
    fn part<T>(&self, endpoint: Endpoint, take: impl FnOnce(&'a State) -> T) -> Part<T> {
        match self.ask(endpoint) {
            Ok(state) => Ok(Reading::Known(take(state))),
            Err(Failure::Unavailable) => Err(format!("{endpoint:?} is unavailable")),
            Err(failure) => Ok(Reading::Unknown(format!("{endpoint:?} is withheld: {failure:?}"))),
        }
    }

    pub(super) fn read(&self, wanted: &impl Fn(&LabelsRead) -> bool) -> WitnessA {
        let details = match self.ask(Endpoint::MergeRequest) {
            Ok(state) => state,
            Err(Failure::NotFound) => return WitnessA::Refused("404".to_owned().into()),
            Err(failure) => return WitnessA::Unreadable(format!("{failure:?}").into()),
        };
        let events = self.part(Endpoint::LabelEvents, |state| self.label_events(state));
        let merged = details.phase == Phase::Merged;
        let merged_at = match self.mode {
            Mode::Merge => self.merged_at(details),
            Mode::Review if merged => self.merged_at(details),
            Mode::Review => Some(timestamp(self.at + DAY)),
        };
        let labels = LabelsRead {
            merged_at,
            labels_now: details.titles(),
            label_events: events.clone().unwrap_or_else(Reading::Unknown),
        };
        let approvals = self.approvals();
        let unread = |because: &str| Unread {
            labels: Some(labels.clone()),
            approvals: approvals
                .as_ref()
                .ok()
                .and_then(Reading::known)
                .filter(|_| merged)
                .cloned()
                .unwrap_or_default(),
            ..Unread::from(because.to_owned())
        };
        if !merged && self.mode == Mode::Merge {
            return WitnessA::NotMerged(Unread {
                approvals: Vec::new(),
                ..unread("GitLab does not show it as merged yet")
            });
        }
        if let Err(because) = events {
            return WitnessA::Unreadable(Unread {
                approvals: Vec::new(),
                ..unread(&because)
            });
        }
        if !wanted(&labels) {
            return WitnessA::NotAsked(labels);
        }
        let Some(merged_at) = merged_at else {
            return WitnessA::Unreadable(unread("GitLab shows it as merged without a time"));
        };
        let listed = match &approvals {
            Ok(Reading::Known(listed)) => listed.clone(),
            Ok(Reading::Unknown(because)) => return WitnessA::Refused(unread(because)),
            Err(because) => return WitnessA::Unreadable(unread(because)),
        };
        match self.answer(details, merged_at, &labels, listed) {
            Ok(answer) => WitnessA::Answer(Box::new(answer)),
            Err(because) => WitnessA::Unreadable(unread(&because)),
        }
    }

    fn merged_at(&self, details: &State) -> Option<jiff::Timestamp> {
        let merged_at = details.merged_at?;
        let shown = match self.api.world.setting.merge_time {
            MergeTime::Shown => true,
            MergeTime::HiddenFor(ms) => self.at >= merged_at + ms,
            MergeTime::Hidden => false,
        };
        shown.then(|| self.shown(merged_at))
    }

    fn label_events(&self, state: &State) -> Vec<LabelEvent> {
        let event = |act: &crate::gitlab::LabelAct| {
            let known = !state.deleted.contains(&act.label);
            LabelEvent {
                label: known.then(|| state.title(act.label)),
                label_id: known.then(|| act.label.id()),
                added: act.added,
                at: self.shown(act.at),
                actor: Some(act.by.user()),
            }
        };
        state.label_acts.iter().map(event).collect()
    }

    fn approvals(&self) -> Part<Vec<Approval>> {
        self.part(Endpoint::Approvals, |state| {
            let given = |given: &crate::gitlab::Given| Approval {
                user: given.by.user(),
                approved_at: self
                    .api
                    .world
                    .setting
                    .version
                    .has_approved_at()
                    .then(|| self.shown(given.at)),
            };
            state.approvals.iter().map(given).collect()
        })
    }

    fn versions(&self, state: &State) -> Vec<DiffVersion> {
        let with_patch = self.api.world.setting.version.has_patch_id();
        let version = |version: &crate::gitlab::Version| DiffVersion {
            created_at: self.shown(version.at),
            head_sha: Some(version.head.clone()),
            patch_id: with_patch.then(|| format!("p{}", version.patch)),
        };
        state.versions.iter().map(version).collect()
    }

    fn answer(
        &self,
        details: &State,
        merged_at: jiff::Timestamp,
        labels: &LabelsRead,
        approvals: Vec<Approval>,
    ) -> Result<ApiAnswer, String> {
        let profile = self.api.world.setting.profile;
        let ids = |people: &mut dyn Iterator<Item = Person>| people.map(Person::id).collect::<BTreeSet<UserId>>();
        let versions = self.part(Endpoint::Versions, |state| self.versions(state))?;
        let members = self.part(Endpoint::Members, |state| {
            let listed = [Person::Listed].into_iter().filter(|_| profile == Profile::WithListed);
            ids(&mut state.team.iter().copied().chain(listed))
        })?;
        let rule_approvers = if profile == Profile::WithRule {
            self.part(Endpoint::ApprovalRules, |_| ids(&mut [Person::Carol].into_iter()))?
        } else {
            Reading::Unknown("the rules name no approval rule".to_owned())
        };
        let committers = if profile == Profile::NoCommitters {
            self.part(Endpoint::Committers, |state| ids(&mut state.committers.iter().copied()))?
        } else {
            Reading::Unknown(NOT_ASKED.to_owned())
        };
        let (bots, bots_unknown) = self.bots(labels, &approvals, &members)?;
        let reviewers = match self.ask(Endpoint::Reviewers) {
            Ok(_) => Reading::Known(Vec::new()),
            Err(failure) => Reading::Unknown(format!("{failure:?}")),
        };
        Ok(ApiAnswer {
            read_at: timestamp(self.at),
            mr_id: 1003,
            title: "Rotate keys".to_owned(),
            url: "https://gitlab.example.com/pay/api/-/merge_requests/3".to_owned(),
            project_path: Some("pay/api".to_owned()),
            author: Person::Author.user(),
            created_at: Some(self.shown(0)),
            state: Some(details.phase.as_str().to_owned()),
            closed_at: None,
            merge: MergeFact {
                merged_at,
                merge_user: details.merger.map(Person::user),
                merge_commit_sha: details.merged_at.map(|_| "c0ffee".to_owned()),
                squash_commit_sha: None,
                head_sha: Some(details.head().head.clone()),
                merge_method: None,
            },
            labels_now: labels.labels_now.clone(),
            label_events: labels.label_events.clone(),
            approvals,
            rule_approvers,
            versions,
            reviewers,
            eligible_now: members,
            bots,
            bots_unknown,
            committers,
            clock_offset_seconds: self.clock_offset_seconds(),
            approval_rules: Reading::Unknown(NOT_ASKED.to_owned()),
            mentions: Vec::new(),
        })
    }

    /// The flag of approvers and of eligible people who took a label off.
    fn bots(
        &self,
        labels: &LabelsRead,
        approvals: &[Approval],
        members: &Reading<BTreeSet<UserId>>,
    ) -> Result<(BTreeMap<UserId, bool>, BTreeSet<UserId>), String> {
        let removers = labels.label_events.known().into_iter().flatten();
        let removers = removers
            .filter(|event| !event.added)
            .filter_map(|event| event.actor.as_ref().map(|user| user.id))
            .filter(|id| members.known().is_some_and(|members| members.contains(id)));
        let people: BTreeSet<UserId> = approvals.iter().map(|approval| approval.user.id).chain(removers).collect();
        if people.is_empty() {
            return Ok((BTreeMap::new(), BTreeSet::new()));
        }
        match self.ask(Endpoint::Users) {
            Ok(_) => {
                let flag = |id: UserId| (id, Person::of(id).is_some_and(Person::is_bot));
                Ok((people.into_iter().map(flag).collect(), BTreeSet::new()))
            }
            Err(Failure::Unavailable) => Err("Users is unavailable".to_owned()),
            Err(_) => Ok((BTreeMap::new(), people)),
        }
    }

    /// Rounded up away from zero, as the client keeps it.
    fn clock_offset_seconds(&self) -> i64 {
        let ms = self.api.world.setting.clock_offset_ms;
        ms.signum() * ((ms.abs() + SECOND - 1) / SECOND)
    }
}
