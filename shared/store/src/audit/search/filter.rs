//! Search conditions.

use std::fmt;
use std::str::FromStr;

use audit::{ActorType, FailureClass};
use jiff::Timestamp;
use uuid::Uuid;

/// Conditions on entries; all given ones must hold. The default matches every entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What caused the work.
    pub actor: Option<AuditActor>,
    /// A prefix of the action: `gitlab.api.`, or a whole action.
    pub action: Option<String>,
    /// What was acted on.
    pub target: Option<AuditTarget>,
    /// At or after this time.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub outcome: Option<AuditOutcome>,
    /// The correlation id of one delivery, poll cycle or admin action.
    pub correlation_id: Option<Uuid>,
    /// A W3C trace id: 32 lower-case hex digits.
    pub trace_id: Option<String>,
    /// The service that wrote it.
    pub service: Option<String>,
    /// The id of one entry, or the id that another service gave to its entry.
    pub entry_id: Option<Uuid>,
}

impl AuditFilter {
    /// Whether it names one piece of work, which has few entries.
    pub(super) fn names_one(&self) -> bool {
        self.correlation_id.is_some()
            || self.trace_id.is_some()
            || self.entry_id.is_some()
            || matches!(self.actor, Some(AuditActor::Id(_)))
    }
}

/// `actor` of entries, by one of its two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditActor {
    /// `actor.type`.
    Type(ActorType),
    /// `actor.id`.
    Id(Uuid),
}

/// `outcome` of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    Success,
    /// Failed, with any class.
    Failure,
    /// Failed with this class.
    Class(FailureClass),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditTarget {
    /// A prefix of the target as one text: `slack_channel:`, `merge_request:main/7301!`.
    Prefix(String),
    /// One merge request, or all of a project: `main/7301!811`, `7301!811`, `main/7301!`.
    MergeRequest {
        /// The GitLab instance; `None`: all.
        instance: Option<String>,
        project_id: i64,
        /// Merge request within the project; `None`: all.
        mr_iid: Option<i64>,
    },
}

/// An unknown actor or outcome. The message lists the valid ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownWord(&'static str);

impl FromStr for AuditActor {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "webhook_event" => Ok(Self::Type(ActorType::WebhookEvent)),
            "poll_cycle" => Ok(Self::Type(ActorType::PollCycle)),
            "admin_action" => Ok(Self::Type(ActorType::AdminAction)),
            id => id.parse().map(Self::Id).map_err(|_| {
                UnknownWord("an actor is `webhook_event`, `poll_cycle`, `admin_action`, or the UUID of one of them")
            }),
        }
    }
}

impl FromStr for AuditOutcome {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "success" => Ok(Self::Success),
            "failure" => Ok(Self::Failure),
            class => {
                let class = serde_json::from_value(serde_json::Value::from(class));
                class.map(Self::Class).map_err(|_| {
                    UnknownWord(
                        "an outcome is `success`, `failure`, or a class of failure: `auth_failure`, `rate_limit`, \
                         `network_error`, `timeout`, `not_found`, `conflict`, `server_error`, `invalid_response`",
                    )
                })
            }
        }
    }
}

impl From<&str> for AuditTarget {
    /// A text with `!` and numbers around it names merge requests; any other is a prefix.
    fn from(text: &str) -> Self {
        short_form(text).unwrap_or_else(|| Self::Prefix(text.to_owned()))
    }
}

/// `[instance/]project![iid]`.
fn short_form(text: &str) -> Option<AuditTarget> {
    let (project, iid) = text.rsplit_once('!')?;
    let (instance, project) = match project.rsplit_once('/') {
        Some((instance, project)) if !instance.is_empty() && !instance.contains(':') => (Some(instance), project),
        Some(_) => return None,
        None => (None, project),
    };
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<i64>().ok()).flatten()
    };
    Some(AuditTarget::MergeRequest {
        instance: instance.map(str::to_owned),
        project_id: number(project)?,
        mr_iid: if iid.is_empty() { None } else { Some(number(iid)?) },
    })
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(actor) => f.write_str(actor_type(*actor)),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// The stable code of an actor type in the audit log and in SQL.
pub(crate) fn actor_type(actor: ActorType) -> &'static str {
    match actor {
        ActorType::WebhookEvent => "webhook_event",
        ActorType::PollCycle => "poll_cycle",
        ActorType::AdminAction => "admin_action",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_form_names_merge_request_otherwise_a_prefix() {
        let merge_request = |instance: Option<&str>, project_id, mr_iid| AuditTarget::MergeRequest {
            instance: instance.map(str::to_owned),
            project_id,
            mr_iid,
        };
        let cases = [
            ("7301!811", merge_request(None, 7301, Some(811))),
            ("main/7301!811", merge_request(Some("main"), 7301, Some(811))),
            ("eu/west/7301!811", merge_request(Some("eu/west"), 7301, Some(811))),
            ("7301!", merge_request(None, 7301, None)),
            ("main/7301!", merge_request(Some("main"), 7301, None)),
        ];
        for (text, expected) in cases {
            assert_eq!(AuditTarget::from(text), expected, "{text}");
        }
        let beginnings = [
            "",
            "!",
            "merge_request:",
            "merge_request:main/7301!811",
            "slack_channel:C0SECLEAD",
            "main/7301",
            "/7301!811",
            "main/!811",
            "7301!8x",
            "-7301!811",
            "7301!99999999999999999999",
        ];
        for text in beginnings {
            assert_eq!(AuditTarget::from(text), AuditTarget::Prefix(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn unknown_value_is_refused_with_the_known_ones() {
        assert_eq!("poll_cycle".parse(), Ok(AuditActor::Type(ActorType::PollCycle)));
        assert_eq!("rate_limit".parse(), Ok(AuditOutcome::Class(FailureClass::RateLimit)));
        let refused = [
            "Webhook_Event".parse::<AuditActor>().unwrap_err(),
            "".parse::<AuditOutcome>().unwrap_err(),
            "failed".parse::<AuditOutcome>().unwrap_err(),
        ];
        for error in refused {
            assert!(error.to_string().contains('`'), "{error}");
        }
    }
}
