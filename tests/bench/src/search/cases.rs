//! Search cases: rare and common values of every filter, and combinations.

use audit::{ActorType, FailureClass};
use jiff::Timestamp;
use store::{AuditActor, AuditFilter, AuditOutcome, AuditTarget};

use super::fill;

/// One kind of search.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The filter of one turn.
    pub(super) filter: Box<dyn Fn(usize) -> AuditFilter>,
    /// Whether there is anything to find.
    pub(super) finds: bool,
}

fn case(name: &'static str, filter: impl Fn(usize) -> AuditFilter + 'static) -> Case {
    Case {
        name,
        filter: Box::new(filter),
        finds: true,
    }
}

fn action(prefix: &str) -> AuditFilter {
    AuditFilter {
        action: Some(prefix.to_owned()),
        ..AuditFilter::default()
    }
}

fn target(text: &str) -> AuditFilter {
    AuditFilter {
        target: Some(AuditTarget::from(text)),
        ..AuditFilter::default()
    }
}

fn outcome(outcome: AuditOutcome) -> AuditFilter {
    AuditFilter {
        outcome: Some(outcome),
        ..AuditFilter::default()
    }
}

fn actor(actor: ActorType) -> AuditFilter {
    AuditFilter {
        actor: Some(AuditActor::Type(actor)),
        ..AuditFilter::default()
    }
}

/// A day of the thirteen months, a different one in each turn.
fn day(turn: usize, filter: AuditFilter) -> AuditFilter {
    let days = i64::try_from(turn * 37 % 380).unwrap_or(0) + 7;
    let since = fill::last().as_second() - days * 86_400;
    let at = |second| Timestamp::from_second(second).unwrap_or_default();
    AuditFilter {
        since: Some(at(since)),
        until: Some(at(since + 86_400)),
        ..filter
    }
}

fn project(turn: usize) -> usize {
    7_000 + turn * 17 % 1_000
}

/// All cases, in the order of the report.
pub(super) fn all() -> Vec<Case> {
    [keys(), actions(), targets(), outcomes(), combined()]
        .into_iter()
        .flatten()
        .collect()
}

/// Time, actor and ids.
fn keys() -> Vec<Case> {
    vec![
        case("everything", |_| AuditFilter::default()),
        case("time: a day", |turn| day(turn, AuditFilter::default())),
        case("actor: most common type", |_| actor(ActorType::WebhookEvent)),
        case("actor: rare type", |_| actor(ActorType::AdminAction)),
        case("actor: an id", |turn| AuditFilter {
            actor: Some(AuditActor::Id(fill::delivery(turn))),
            ..AuditFilter::default()
        }),
        case("correlation id", |turn| AuditFilter {
            correlation_id: Some(fill::delivery(turn)),
            ..AuditFilter::default()
        }),
        case("trace id", |turn| AuditFilter {
            trace_id: Some(fill::trace(turn)),
            ..AuditFilter::default()
        }),
    ]
}

/// Filters of the action.
fn actions() -> Vec<Case> {
    vec![
        case("action: common prefix", |_| action("gitlab.api.")),
        case("action: common, whole", |_| action("gitlab.api.get_mr_versions")),
        case("action: one in a thousand", |_| action("slack.api.")),
        case("action: rare", |_| action("copilot.")),
        case("action: rarest", |_| action("audit.gap")),
        case("action: common long ago, absent since", |_| action("jira.api.")),
        Case {
            finds: false,
            ..case("action: never", |_| action("zulip."))
        },
    ]
}

/// Filters of the target.
fn targets() -> Vec<Case> {
    vec![
        case("target: every merge request", |_| target("merge_request:")),
        case("target: a third of everything", |_| target("main/1!")),
        case("target: one project of a thousand", |turn| {
            target(&format!("main/{}!", project(turn)))
        }),
        case("target: a hundred projects", |turn| {
            target(&format!("merge_request:main/70{}", turn % 10))
        }),
        case("target: a project busy three days a month", |_| {
            target("merge_request:main/4444!")
        }),
        case("target: a merge request", |turn| {
            target(&format!("main/1!{}", turn % 300 + 1))
        }),
        case("target: a merge request, any instance", |turn| {
            target(&format!("1!{}", turn % 300 + 1))
        }),
        case("target: a channel", |_| target("slack_channel:C0SECLEAD")),
        case("target: three secrets", |_| target("secret:")),
        case("target: rare", |_| target("task:")),
    ]
}

/// Filters of the outcome.
fn outcomes() -> Vec<Case> {
    vec![
        case("outcome: success", |_| outcome(AuditOutcome::Success)),
        case("outcome: failure", |_| outcome(AuditOutcome::Failure)),
        case("outcome: common class", |_| {
            outcome(AuditOutcome::Class(FailureClass::RateLimit))
        }),
        case("outcome: rare class", |_| {
            outcome(AuditOutcome::Class(FailureClass::Conflict))
        }),
        Case {
            finds: false,
            ..case("outcome: class that never occurred", |_| {
                outcome(AuditOutcome::Class(FailureClass::NotFound))
            })
        },
    ]
}

/// Several filters together.
fn combined() -> Vec<Case> {
    vec![
        case("GitLab calls of a day", |turn| day(turn, action("gitlab.api."))),
        case("Slack calls of a day", |turn| day(turn, action("slack."))),
        case("failed GitLab calls", |_| AuditFilter {
            outcome: Some(AuditOutcome::Failure),
            ..action("gitlab.api.")
        }),
        case("failed Slack calls", |_| AuditFilter {
            outcome: Some(AuditOutcome::Failure),
            ..action("slack.")
        }),
        case("GitLab calls for a project", |turn| AuditFilter {
            target: target(&format!("main/{}!", project(turn))).target,
            ..action("gitlab.api.")
        }),
        case("Slack calls of poll cycles", |_| AuditFilter {
            actor: Some(AuditActor::Type(ActorType::PollCycle)),
            ..action("slack.")
        }),
        case("failures for a project", |turn| AuditFilter {
            outcome: Some(AuditOutcome::Failure),
            ..target(&format!("main/{}!", project(turn)))
        }),
        case("authentications of a day that failed", |turn| AuditFilter {
            outcome: Some(AuditOutcome::Failure),
            ..day(turn, action("webhook.auth.verify"))
        }),
    ]
}
