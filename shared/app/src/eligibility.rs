//! Who is an eligible approver right now: recorded with approvals, because membership changes and GitLab keeps no history of it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use audit::{Action, Context, FailureClass};
use clients::gitlab::{GitLab, Members};
use clients::{Advice, CallError};
use jiff::{SignedDuration, Timestamp};
use model::{MergeRequestEvent, Reading};
use rules::ApproverGroup;
use store::EligibleReading;
use tokio::sync::Mutex;

use crate::App;

/// How long one read of the group is valid: one burst of events, not a change of the team.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(10);
/// A slow GitLab must not delay the event itself, whose record matters more.
const LONGEST: Duration = Duration::from_secs(3);

/// The last read of one instance's group. The reader holds the lock, and the others wait for its result.
type LastReading = Arc<Mutex<Option<(Timestamp, Members)>>>;

/// The last reads by instance: a slow one delays no other.
#[derive(Debug, Default)]
pub(crate) struct ApproverEligibility(std::sync::Mutex<HashMap<String, LastReading>>);

impl ApproverEligibility {
    fn of(&self, instance: &str) -> LastReading {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(readings.entry(instance.to_owned()).or_default())
    }
}

impl App {
    /// Forgets who belongs to the approver group of an instance, because GitLab reports a change of it.
    pub(crate) async fn forget_members(&self, instance: &str) {
        *self.eligibility.of(instance).lock().await = None;
    }

    /// Whether the event's actor is an eligible approver now; `None` if that could not be read, or is not needed: only users who
    /// approve or remove a security label are looked up.
    pub(crate) async fn eligible(
        &self,
        context: &Context,
        instance: &str,
        event: &MergeRequestEvent,
    ) -> Option<EligibleReading> {
        let takes_label_off = || {
            event
                .labels_removed
                .iter()
                .any(|label| self.rules.is_security_label(label))
        };
        if event.system || !(event.action.is_approval() || takes_label_off()) {
            return None;
        }
        let actor = event.actor.as_ref()?;
        let approvers = self.rules.approvers(instance)?;
        // Listed users are always eligible, and a named approval rule is read with the merge.
        let group = approvers.group.as_ref()?;
        let client = self.instances.get(instance)?;
        if self.paused_for(instance).is_some() {
            return None;
        }
        let (read_at, members) = self.members_at(context, client, instance, group).await;
        let Ok(Reading::Known(members)) = members else {
            return None;
        };
        Some(EligibleReading {
            eligible: members.contains(&actor.id),
            read_at,
        })
    }

    /// The members of the approver group, read once for a burst of events.
    pub(crate) async fn members(
        &self,
        context: &Context,
        client: &GitLab,
        instance: &str,
        group: Option<&ApproverGroup>,
    ) -> Members {
        match group {
            Some(group) => self.members_at(context, client, instance, group).await.1,
            None => Ok(Reading::Known(std::collections::BTreeSet::new())),
        }
    }

    /// A failed read is not repeated for some seconds: with GitLab down, every event would otherwise wait for its timeout.
    async fn members_at(
        &self,
        context: &Context,
        client: &GitLab,
        instance: &str,
        group: &ApproverGroup,
    ) -> (Timestamp, Members) {
        let last = self.eligibility.of(instance);
        let mut last = last.lock().await;
        let now = self.clock.now();
        if let Some((at, members)) = last.as_ref()
            && (SignedDuration::ZERO..FRESH_FOR).contains(&now.duration_since(*at))
        {
            return (*at, members.clone());
        }
        let read = tokio::time::timeout(LONGEST, client.members(context, instance, group)).await;
        let members = match read.unwrap_or_else(|_| Err(slow())) {
            Ok(members) => Ok(Reading::Known(members)),
            Err(error) if error.is_withheld() => Ok(Reading::Unknown(error.to_string())),
            Err(error) => Err(error),
        };
        if !matches!(members, Ok(Reading::Known(_))) {
            tracing::warn!(
                instance,
                ?members,
                "could not read the approvers' group; eligibility is unknown"
            );
        }
        *last = Some((now, members.clone()));
        (now, members)
    }
}

fn slow() -> CallError {
    CallError {
        action: Action::GitlabGetGroupMembers,
        class: FailureClass::Timeout,
        advice: Advice::Retry { after: None },
        sent: true,
        http_status: None,
        message: format!("no answer within {} s", LONGEST.as_secs()),
    }
}
