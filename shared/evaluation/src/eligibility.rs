//! Who is an eligible approver right now: recorded with every event, because membership changes and GitLab keeps no history of it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{MergeRequestEvent, UserId};
use tokio::sync::Mutex;

use crate::Evaluator;

/// How long one reading of the group serves: one burst of events, not a change of the team.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(10);
/// A slow GitLab must not hold up the event itself, whose record matters more.
const LONGEST: Duration = Duration::from_secs(3);

/// The last reading of each instance's group; `None` if it could not be read.
#[derive(Debug, Default)]
pub(crate) struct Eligibility(Mutex<HashMap<String, Reading>>);

#[derive(Debug)]
struct Reading {
    at: Timestamp,
    members: Option<BTreeSet<UserId>>,
}

/// Membership read now is recorded as that of the act only if the act is this young.
const SAME_MEMBERSHIP: SignedDuration = SignedDuration::from_mins(10);

impl Evaluator {
    /// Whether the event tells of something that has just happened.
    pub(crate) fn is_recent(&self, event: &MergeRequestEvent) -> bool {
        self.clock.now().duration_since(event.occurred_at).abs() <= SAME_MEMBERSHIP
    }

    /// Whether the event's actor is an eligible approver as of now; `None` if that could not be read. A failed reading is not
    /// repeated for some seconds either: with GitLab down, every event would otherwise wait for its own timeout.
    pub(crate) async fn eligible(&self, context: &Context, instance: &str, event: &MergeRequestEvent) -> Option<bool> {
        let actor = event.actor.as_ref()?;
        let approvers = self.rules.approvers(instance)?;
        if approvers.users.contains(&actor.id) {
            return Some(true);
        }
        let Some(group) = &approvers.group else {
            // Only a named approval rule could make them eligible, and that is read when the merge is judged.
            return if approvers.approval_rule.is_some() {
                None
            } else {
                Some(false)
            };
        };
        let client = self.instances.get(instance)?;
        let mut readings = self.eligibility.0.lock().await;
        let now = self.clock.now();
        let fresh = readings
            .get(instance)
            .filter(|reading| now.duration_since(reading.at) < FRESH_FOR);
        if fresh.is_none() {
            let members = match tokio::time::timeout(LONGEST, client.members(context, instance, group)).await {
                Ok(members) => members.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {} s", LONGEST.as_secs())),
            };
            if let Err(error) = &members {
                tracing::warn!(
                    instance,
                    error,
                    "the approvers' group could not be read; eligibility stays unknown"
                );
            }
            readings.insert(
                instance.to_owned(),
                Reading {
                    at: now,
                    members: members.ok(),
                },
            );
        }
        readings
            .get(instance)?
            .members
            .as_ref()
            .map(|members| members.contains(&actor.id))
    }
}
