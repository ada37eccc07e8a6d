//! Webhook deliveries of the deeds: lost, duplicated, redelivered, late, stale, or with cut lists.

use model::{EventAction, MergeRequestEvent, MergeRequestIid, OccurredAtSource, Project, ProjectId, SystemAction};

use crate::clock::{SECOND, timestamp, whole_second};
use crate::gitlab::{Deed, Done, State, World};

/// One delivery, as the webhook function forwards it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// When it is received.
    pub received_at: i64,
    /// The delivery key; a redelivery has the same.
    pub key: String,
    /// Its signature is too old.
    pub stale: bool,
    pub event: MergeRequestEvent,
    /// When the act really happened.
    pub done_at: i64,
}

/// Every delivery that arrives, in order of arrival.
#[must_use]
pub fn deliveries(world: &World) -> Vec<Delivery> {
    let mut all: Vec<Delivery> = world
        .done
        .iter()
        .enumerate()
        .filter(|(_, done)| !done.fate.lost)
        .flat_map(|(number, done)| deliveries_of(world, number, done))
        .collect();
    all.sort_by(|one, other| (one.received_at, &one.key).cmp(&(other.received_at, &other.key)));
    all
}

fn deliveries_of(world: &World, number: usize, done: &Done) -> Vec<Delivery> {
    let Some(event) = event(world, done) else {
        return Vec::new();
    };
    let fate = &done.fate;
    let built_at = built_at(done);
    let first = Delivery {
        received_at: built_at + fate.delay_ms.max(1),
        key: format!("project {number}"),
        stale: fate.stale,
        event,
        done_at: done.at,
    };
    let twin = fate.twin_ms.map(|later| Delivery {
        received_at: built_at + later.max(1),
        key: format!("group {number}"),
        stale: false,
        ..first.clone()
    });
    let again = fate.again_ms.map(|later| Delivery {
        received_at: first.received_at + later.max(SECOND),
        ..first.clone()
    });
    [Some(first), twin, again].into_iter().flatten().collect()
}

/// A separate job builds the hooks of approvals; all others are built with the act.
fn built_at(done: &Done) -> i64 {
    match done.deed {
        Deed::Approved | Deed::Withdrawn => done.at + done.fate.built_ms.max(0),
        _ => done.at,
    }
}

/// What an event reports beyond the state.
struct Change {
    action: EventAction,
    added: Vec<String>,
    removed: Vec<String>,
    oldrev: Option<String>,
    system_action: Option<SystemAction>,
}

impl From<EventAction> for Change {
    fn from(action: EventAction) -> Self {
        Self {
            action,
            added: Vec::new(),
            removed: Vec::new(),
            oldrev: None,
            system_action: None,
        }
    }
}

fn change_of(world: &World, state: &State, done: &Done) -> Option<Change> {
    // The name of an approval depends on GitLab's own rules and has no meaning here.
    let odd = done.at % 2 == 1;
    let unapproved = if odd {
        EventAction::Unapproval
    } else {
        EventAction::Unapproved
    };
    Some(match &done.deed {
        Deed::Opened => EventAction::Open.into(),
        Deed::Labelled { added, removed } => Change {
            added: state.titles_of(added),
            removed: state.titles_of(removed),
            ..EventAction::Update.into()
        },
        Deed::Pushed { oldrev } => Change {
            oldrev: Some(oldrev.clone()),
            ..EventAction::Update.into()
        },
        Deed::Edited => EventAction::Update.into(),
        Deed::Approved if odd => EventAction::Approval.into(),
        Deed::Approved => EventAction::Approved.into(),
        Deed::Withdrawn => unapproved.into(),
        Deed::Reset(_) | Deed::OwnerReset(_) => {
            world.setting.version.has_reset_hooks().then_some(())?;
            let system_action = match done.deed {
                Deed::Reset(_) => SystemAction::ApprovalsResetOnPush,
                _ => SystemAction::CodeOwnerApprovalsResetOnPush,
            };
            Change {
                system_action: Some(system_action),
                ..unapproved.into()
            }
        }
        Deed::Closed => EventAction::Close.into(),
        Deed::Reopened => EventAction::Reopen.into(),
        Deed::Merged => EventAction::Merge.into(),
        Deed::LabelDeleted(_) | Deed::LabelRenamed(_) | Deed::WithdrawnSilently | Deed::Joined | Deed::Left => {
            return None;
        }
    })
}

fn event(world: &World, done: &Done) -> Option<MergeRequestEvent> {
    let state = world.at(built_at(done));
    let version = world.setting.version;
    let Change {
        action,
        mut added,
        mut removed,
        oldrev,
        system_action,
    } = change_of(world, state, done)?;
    let (occurred, source) = if version.has_actioned_at() {
        (done.at, OccurredAtSource::ActionedAt)
    } else {
        (state.updated_at, OccurredAtSource::UpdatedAt)
    };
    let mut labels = state.titles();
    if done.fate.cut {
        labels.retain(|title| title == "backend");
        added.clear();
        removed.clear();
    }
    let occurred_at = whole_second(world.shown(occurred));
    Some(MergeRequestEvent {
        project: Project {
            id: ProjectId(11),
            path: "pay/api".to_owned(),
        },
        mr_id: 1003,
        mr_iid: MergeRequestIid(3),
        title: "Rotate keys".to_owned(),
        url: "https://gitlab.example.com/pay/api/-/merge_requests/3".to_owned(),
        action,
        state: Some(state.phase.as_str().to_owned()),
        actor: Some(done.by.user()),
        author_id: Some(crate::Person::Author.id()),
        occurred_at,
        occurred_at_source: source,
        occurred_at_raw: Some(occurred_at.to_string()),
        labels,
        labels_added: added,
        labels_removed: removed,
        labels_truncated: done.fate.cut,
        system: system_action.is_some(),
        system_action,
        head_sha: Some(state.head().head.clone()),
        oldrev,
        merge_commit_sha: state.merged_at.map(|_| "c0ffee".to_owned()),
        merged_at: state
            .merged_at
            .filter(|_| version.has_merged_at())
            .map(|at| timestamp(world.shown(at))),
        source_branch: Some("rotate".to_owned()),
        target_branch: Some("main".to_owned()),
        reviewers: Vec::new(),
    })
}
