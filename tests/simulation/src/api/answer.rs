//! Builds from single endpoints what the client builds: full answer, labels only, or a partial answer.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Approval, GitLabAnswer, LabelFacts, MergeFact, MergeRequestDetails, NOT_ASKED, PartialAnswer, Reading, UserId,
};

use super::{Api, Endpoint, Failure, Mode};
use crate::Person;
use crate::clock::{DAY, SECOND, timestamp};
use crate::setting::Profile;
use crate::view::View;

pub(super) struct Answering<'a, 'b> {
    pub(super) api: &'b Api<'a>,
    pub(super) at: i64,
    pub(super) mode: Mode,
}

/// A part that was read or withheld, or why it is missing.
type Part<T> = Result<Reading<T>, String>;

impl Answering<'_, '_> {
    fn ask(&self, endpoint: Endpoint) -> Result<View, Failure> {
        self.api.shows(endpoint, self.at)
    }

    /// A withheld part is unknown; a failed part is missing.
    fn part<T>(&self, endpoint: Endpoint, take: impl FnOnce(View) -> T) -> Part<T> {
        match self.ask(endpoint) {
            Ok(view) => Ok(Reading::Known(take(view))),
            Err(Failure::Unavailable) => Err(format!("{endpoint:?} is unavailable")),
            Err(failure) => Ok(Reading::Unknown(format!("{endpoint:?} is withheld: {failure:?}"))),
        }
    }

    pub(super) fn read(&self, wanted: &impl Fn(&LabelFacts) -> bool) -> GitLabAnswer {
        // 1. The merge request and its labels, which every partial answer contains.
        let details = match self.ask(Endpoint::MergeRequest) {
            Ok(view) => view,
            Err(Failure::NotFound) => return GitLabAnswer::Denied("404".to_owned().into()),
            Err(failure) => return GitLabAnswer::Unavailable(format!("{failure:?}").into()),
        };
        let merged = details.state == "merged";
        let events = self.part(Endpoint::LabelEvents, |view| view.label_events);
        let labels = LabelFacts {
            merged_at: if self.mode == Mode::Review && !merged {
                Some(timestamp(self.at + DAY))
            } else {
                details.merged_at
            },
            labels_now: details.labels.clone(),
            label_events: events.clone().unwrap_or_else(Reading::Unknown),
            clock_offset_seconds: self.clock_offset_seconds(),
        };
        let unread = |because: &str, approvals: &[Approval]| PartialAnswer {
            labels: Some(labels.clone()),
            approvals: if merged { approvals.to_vec() } else { Vec::new() },
            read_at: Some(timestamp(self.at)),
            merged,
            ..PartialAnswer::from(because.to_owned())
        };
        // 2. What ends the reading early.
        if !merged && self.mode == Mode::Merge {
            return GitLabAnswer::NotMerged(unread("GitLab does not show it as merged yet", &[]));
        }
        if let Err(because) = events {
            return GitLabAnswer::Unavailable(unread(&because, &[]));
        }
        if !wanted(&labels) {
            return GitLabAnswer::LabelsOnly(labels);
        }
        let Some(merged_at) = labels.merged_at else {
            return GitLabAnswer::Unavailable(unread("GitLab shows it as merged without a time", &[]));
        };
        // 3. The approvals, then the rest.
        let approvals = match self.part(Endpoint::Approvals, |view| view.approvals) {
            Ok(Reading::Known(approvals)) => approvals,
            Ok(Reading::Unknown(because)) => return GitLabAnswer::Denied(unread(&because, &[])),
            Err(because) => return GitLabAnswer::Unavailable(unread(&because, &[])),
        };
        match self.answer(details, merged_at, &labels, &approvals) {
            Ok(answer) => GitLabAnswer::Full(Box::new(answer)),
            Err(because) => GitLabAnswer::Unavailable(unread(&because, &approvals)),
        }
    }

    fn answer(
        &self,
        details: View,
        merged_at: jiff::Timestamp,
        labels: &LabelFacts,
        approvals: &[Approval],
    ) -> Result<MergeRequestDetails, String> {
        let profile = self.api.world.setting.profile;
        let versions = self.part(Endpoint::Versions, |view| view.versions)?;
        let eligible_now = self.eligible_now()?;
        let rule_approvers = if profile == Profile::WithRule {
            self.part(Endpoint::ApprovalRules, |view| view.rule_approvers)?
        } else {
            Reading::Unknown("the rules name no approval rule".to_owned())
        };
        let committers = if profile == Profile::NoCommitters {
            self.part(Endpoint::Committers, |view| view.committers)?
        } else {
            Reading::Unknown(NOT_ASKED.to_owned())
        };
        let (bots, bots_unknown) = self.bots(labels, approvals, &eligible_now)?;
        let reviewers = match self.ask(Endpoint::Reviewers) {
            Ok(_) => Reading::Known(Vec::new()),
            Err(failure) => Reading::Unknown(format!("{failure:?}")),
        };
        let merged = details.state == "merged";
        Ok(MergeRequestDetails {
            read_at: timestamp(self.at),
            mr_id: 1003,
            title: "Rotate keys".to_owned(),
            url: "https://gitlab.example.com/pay/api/-/merge_requests/3".to_owned(),
            project_path: Some("pay/api".to_owned()),
            author: details.author,
            created_at: Some(details.created_at),
            state: Some(details.state),
            closed_at: None,
            merge: MergeFact {
                merged_at,
                merge_user: details.merge_user,
                merge_commit_sha: merged.then(|| "c0ffee".to_owned()),
                squash_commit_sha: None,
                head_sha: Some(details.head_sha),
                merge_method: None,
            },
            labels_now: labels.labels_now.clone(),
            label_events: labels.label_events.clone(),
            approvals: approvals.to_vec(),
            rule_approvers,
            versions,
            reviewers,
            eligible_now,
            bots,
            bots_unknown,
            committers,
            clock_offset_seconds: self.clock_offset_seconds(),
            approval_rules: Reading::Unknown(NOT_ASKED.to_owned()),
            mentions: Vec::new(),
        })
    }

    fn eligible_now(&self) -> Part<BTreeSet<UserId>> {
        let profile = self.api.world.setting.profile;
        self.part(Endpoint::Members, |view| {
            let listed = [Person::Listed].into_iter().filter(|_| profile == Profile::WithListed);
            view.members.into_iter().chain(listed.map(Person::id)).collect()
        })
    }

    /// The bot flag of approvers and of eligible people who removed a label.
    fn bots(
        &self,
        labels: &LabelFacts,
        approvals: &[Approval],
        members: &Reading<BTreeSet<UserId>>,
    ) -> Result<(BTreeMap<UserId, bool>, BTreeSet<UserId>), String> {
        let removals = labels
            .label_events
            .known()
            .into_iter()
            .flatten()
            .filter(|event| !event.added);
        let removers = removals
            .filter_map(|event| event.actor.as_ref().map(|user| user.id))
            .filter(|id| members.known().is_some_and(|members| members.contains(id)));
        let approvers = approvals.iter().map(|approval| approval.user.id);
        let mut people: BTreeSet<UserId> = approvers.chain(removers).collect();
        if people.is_empty() {
            return Ok((BTreeMap::new(), BTreeSet::new()));
        }
        match self.part(Endpoint::Users, |view| view.bots)? {
            Reading::Known(mut bots) => {
                bots.retain(|id, _| people.remove(id));
                Ok((bots, BTreeSet::new()))
            }
            Reading::Unknown(_) => Ok((BTreeMap::new(), people)),
        }
    }

    /// Rounded away from zero, as the client stores it.
    fn clock_offset_seconds(&self) -> i64 {
        let ms = self.api.world.setting.clock_offset_ms;
        ms.signum() * ((ms.abs() + SECOND - 1) / SECOND)
    }
}
