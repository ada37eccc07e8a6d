//! The simulated GitLab's answers, given by the double.

use doubles::Stub;
use doubles::gitlab::{Approval, ApprovalRule, GitLabDouble, LabelEvent, MergeRequest, Person as Account, Version};
use jiff::Timestamp;
use model::User;
use serde_json::{Value, json};
use simulation::Person;
use simulation::api::{Api, Endpoint, Failure};
use simulation::view::View;

pub(super) const PROJECT: u64 = 11;
const GROUP: u64 = 4242;

/// Makes the double answer as the simulated GitLab does at an instant.
pub(super) fn show(double: &GitLabDouble, api: Api<'_>, iid: u64, at: i64) {
    // 1. Each endpoint: its view, or its failure as a stub.
    double.clear_stubs();
    let present = View::of(api.world, api.world.at(at), at);
    let view = |endpoint| match api.shows(endpoint, at) {
        Ok(view) => view,
        Err(failure) => {
            fail(double, endpoint, failure, iid);
            present.clone()
        }
    };
    let (details, members) = (view(Endpoint::MergeRequest), view(Endpoint::Members).members);
    let [label_events, approvals, versions, rules, committers] = [
        Endpoint::LabelEvents,
        Endpoint::Approvals,
        Endpoint::Versions,
        Endpoint::ApprovalRules,
        Endpoint::Committers,
    ]
    .map(view);
    view(Endpoint::Users);
    view(Endpoint::Reviewers);
    // 2. The merge request from these views.
    let mut shown = merge_request(&details);
    shown.label_events = label_events.label_events.iter().map(label_event).collect();
    shown.approved_by = approvals.approvals.iter().map(approval).collect();
    shown.versions = versions.versions.iter().map(version).collect();
    shown.committers = committers.committers.iter().map(|id| number(id.0)).collect();
    shown.approval_rules = vec![ApprovalRule {
        name: "Security".to_owned(),
        rule_type: "regular".to_owned(),
        approvals_required: 0,
        eligible_approvers: rules
            .rule_approvers
            .iter()
            .map(|id| Account::Id(number(id.0)))
            .collect(),
    }];
    // 3. The accounts, the group and the merge request in the double.
    double.world(|world| {
        for person in Person::ALL {
            let user = world.user(number(person.id().0), person.username());
            (user.bot, user.state) = (person.is_bot(), "active".to_owned());
        }
        let group = world.groups.entry(GROUP).or_default();
        group.members.clear();
        for id in members {
            world.member(GROUP, number(id.0), 30);
        }
        *world.merge_request(PROJECT, iid) = shown;
    });
}

fn fail(double: &GitLabDouble, endpoint: Endpoint, failure: Failure, iid: u64) {
    let of_merge_request = format!("/api/v4/projects/{PROJECT}/merge_requests/{iid}");
    let below = |part: &str| vec![format!("{of_merge_request}/{part}")];
    let paths = match endpoint {
        Endpoint::MergeRequest => vec![of_merge_request],
        Endpoint::LabelEvents => below("resource_label_events"),
        Endpoint::Approvals => below("approvals"),
        Endpoint::Versions => below("versions"),
        Endpoint::Reviewers => below("reviewers"),
        Endpoint::ApprovalRules => below("approval_state"),
        Endpoint::Members => vec![format!("/api/v4/groups/{GROUP}/members")],
        Endpoint::Users => Person::ALL
            .map(|person| format!("/api/v4/users/{}", person.id().0))
            .into(),
        Endpoint::Committers => vec!["/api/graphql".to_owned()],
    };
    let status = match failure {
        Failure::Unavailable => 503,
        Failure::Forbidden => 403,
        Failure::NotFound => 404,
    };
    for path in paths {
        let method = if endpoint == Endpoint::Committers {
            "POST"
        } else {
            "GET"
        };
        double.stub(Stub::answering(method, &path, status, "{}")).unwrap();
    }
}

fn merge_request(view: &View) -> MergeRequest {
    let mut shown = MergeRequest::default();
    shown
        .set("id", 1_000_000)
        .set("title", "Rotate keys")
        .set("state", view.state.as_str())
        .set("author", account(&view.author))
        .set("labels", view.labels.clone())
        .set("sha", view.head_sha.as_str())
        .set("created_at", time_text(view.created_at))
        .set("merged_at", view.merged_at.map(time_text))
        .set("merge_user", view.merge_user.as_ref().map(account));
    shown
}

fn label_event(event: &model::LabelEvent) -> LabelEvent {
    let label = event
        .label
        .as_ref()
        .map(|title| json!({"id": event.label_id, "name": title}));
    LabelEvent {
        id: None,
        label: label.unwrap_or(Value::Null),
        action: if event.added { "add" } else { "remove" }.to_owned(),
        user: event.actor.as_ref().map(|user| Account::Id(number(user.id.0))),
        created_at: time_text(event.at),
    }
}

fn approval(approval: &model::Approval) -> Approval {
    Approval {
        user: Account::Id(number(approval.user.id.0)),
        approved_at: approval.approved_at.map(time_text),
    }
}

fn version(version: &model::DiffVersion) -> Version {
    Version {
        id: None,
        head_commit_sha: version.head_sha.clone().unwrap_or_default(),
        patch_id_sha: version.patch_id.clone(),
        created_at: time_text(version.created_at),
    }
}

fn account(user: &User) -> u64 {
    number(user.id.0)
}

fn number(id: i64) -> u64 {
    id.try_into().unwrap()
}

fn time_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
