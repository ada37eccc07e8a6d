//! The merge request as GitLab's REST and GraphQL APIs show it: plain data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{Approval, DiffVersion, LabelEvent, User, UserId};

use crate::Person;
use crate::clock::timestamp;
use crate::gitlab::{Given, LabelAct, State, Version, World};
use crate::setting::MergeTime;

/// What the endpoints show of one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// `opened`, `closed`, `merged`.
    pub state: String,
    /// Who wrote it.
    pub author: User,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was merged, if GitLab shows that.
    pub merged_at: Option<Timestamp>,
    /// Who merged it.
    pub merge_user: Option<User>,
    /// Head of the diff.
    pub head_sha: String,
    /// Titles of the labels that are on.
    pub labels: Vec<String>,
    /// `resource_label_events`; a deleted label has lost its name.
    pub label_events: Vec<LabelEvent>,
    /// `approvals`.
    pub approvals: Vec<Approval>,
    /// `versions`.
    pub versions: Vec<DiffVersion>,
    /// Who added commits.
    pub committers: BTreeSet<UserId>,
    /// Members of the security group.
    pub members: BTreeSet<UserId>,
    /// Approvers of the named approval rule.
    pub rule_approvers: BTreeSet<UserId>,
    /// Whether an account is a bot.
    pub bots: BTreeMap<UserId, bool>,
}

impl View {
    /// What GitLab shows of a state at an instant.
    #[must_use]
    pub fn of(world: &World, state: &State, at: i64) -> Self {
        let shown = |instant: i64| timestamp(world.shown(instant));
        let ids = |people: &BTreeSet<Person>| people.iter().map(|person| person.id()).collect();
        let version = world.setting.version;
        let label_event = |act: &LabelAct| {
            let known = !state.deleted.contains(&act.label);
            LabelEvent {
                label: known.then(|| state.title(act.label)),
                label_id: known.then(|| act.label.id()),
                added: act.added,
                at: shown(act.at),
                actor: Some(act.by.user()),
            }
        };
        let approval = |given: &Given| Approval {
            user: given.by.user(),
            approved_at: version.has_approved_at().then(|| shown(given.at)),
        };
        let diff_version = |each: &Version| DiffVersion {
            created_at: shown(each.at),
            head_sha: Some(each.head.clone()),
            patch_id: version.has_patch_id().then(|| format!("p{}", each.patch)),
        };
        let visible = |merged_at: &i64| match world.setting.merge_time {
            MergeTime::Shown => true,
            MergeTime::HiddenFor(ms) => at >= merged_at + ms,
            MergeTime::Hidden => false,
        };
        Self {
            state: state.phase.as_str().to_owned(),
            author: Person::Author.user(),
            created_at: shown(0),
            merged_at: state.merged_at.filter(visible).map(shown),
            merge_user: state.merger.map(Person::user),
            head_sha: state.head().head.clone(),
            labels: state.titles(),
            label_events: state.label_acts.iter().map(label_event).collect(),
            approvals: state.approvals.iter().map(approval).collect(),
            versions: state.versions.iter().map(diff_version).collect(),
            committers: ids(&state.committers),
            members: ids(&state.team),
            rule_approvers: [Person::Carol.id()].into(),
            bots: Person::ALL
                .into_iter()
                .map(|person| (person.id(), person.is_bot()))
                .collect(),
        }
    }
}
