//! Witness A: everything the API says about one merge, gathered for the verdict.

use std::collections::BTreeSet;

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{ApiAnswer, ApprovalRule, LabelEvent, LabelsRead, MergeRequestKey, Reading, Unread, UserId, WitnessA};
use rules::Approvers;

use super::GitLab;
use super::approval_rules::approvers_of;
use super::merge_request::{Merged, Seen};
use crate::CallError;

/// GitLab's own approval rules.
type Rules = Reading<Vec<ApprovalRule>>;

/// A part of the answer that is missing.
struct Missing {
    because: String,
    /// GitLab will not say; asking again changes nothing.
    for_good: bool,
}

impl From<CallError> for Missing {
    fn from(error: CallError) -> Self {
        Self {
            because: error.to_string(),
            for_good: false,
        }
    }
}

impl GitLab {
    /// Reads all that the verdict on a merge needs. Six requests at once at most, and nothing outlives the returned future.
    ///
    /// The merge request and its label events come first; if `wanted` says that these labels are of no interest, nothing more is
    /// asked ([`WitnessA::NotAsked`]).
    ///
    /// What this GitLab will not say (403, 404) is [`Reading::Unknown`]. What cannot be read *now* (network, timeout, rate limit,
    /// 5xx, unreadable answers, a refused token) makes the whole witness [`WitnessA::Unreadable`]. A merge request or its approvals
    /// that GitLab does not show to us at all make it [`WitnessA::Refused`]; one that it does not show as merged,
    /// [`WitnessA::NotMerged`].
    pub async fn merge_facts(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        approvers: &Approvers,
        now: Timestamp,
        wanted: impl FnOnce(&LabelsRead) -> bool,
    ) -> WitnessA {
        self.read(context, key, approvers, now, None, wanted).await
    }

    /// The same of a merge request that need not be merged: what is not is told as if it had been merged a day from `now`, so that its
    /// approvals are judged by the same rules, and also one that is given while the answers come, or by a clock that is ahead of ours,
    /// is before the merge.
    pub async fn review_facts(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        approvers: &Approvers,
        now: Timestamp,
        wanted: impl FnOnce(&LabelsRead) -> bool,
    ) -> WitnessA {
        let as_of = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
        self.read(context, key, approvers, now, Some(as_of), wanted).await
    }

    async fn read(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        approvers: &Approvers,
        now: Timestamp,
        as_of: Option<Timestamp>,
        wanted: impl FnOnce(&LabelsRead) -> bool,
    ) -> WitnessA {
        let (merged, label_events) =
            futures::join!(self.merge_request(context, key, as_of), self.label_events(context, key));
        let merged = match merged {
            Ok(Seen::Merged(merged)) => merged,
            Ok(Seen::NotYet(why)) => return WitnessA::NotMerged(why),
            Ok(Seen::Since(why)) => return WitnessA::Unreadable(why.into()),
            Err(error) if error.is_not_found() => return WitnessA::Refused(error.to_string().into()),
            // Also 403: a token that may not read merge requests is a fault of ours that can be mended.
            Err(error) => return WitnessA::Unreadable(error.to_string().into()),
        };
        let (label_events, failed) = match label_events {
            Ok(label_events) => (label_events, None),
            Err(error) => (Reading::Unknown(error.to_string()), Some(error)),
        };
        let merged_at = merged.merge.merged_at;
        let labels = LabelsRead {
            merged_at,
            labels_now: merged.labels.clone(),
            label_events,
        };
        if let Some(error) = failed {
            return WitnessA::Unreadable(Unread {
                because: error.to_string(),
                labels: Some(labels),
            });
        }
        if !wanted(&labels) {
            return WitnessA::NotAsked(labels);
        }
        match self
            .surroundings(
                context,
                key,
                approvers,
                (now, as_of.is_none()),
                *merged,
                labels.label_events.clone(),
            )
            .await
        {
            Ok(answer) => WitnessA::Answer(Box::new(answer)),
            Err(Missing {
                because,
                for_good: true,
            }) => WitnessA::Refused(Unread {
                because,
                labels: Some(labels),
            }),
            Err(Missing {
                because,
                for_good: false,
            }) => WitnessA::Unreadable(Unread {
                because,
                labels: Some(labels),
            }),
        }
    }

    async fn surroundings(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        approvers: &Approvers,
        (read_at, is_merge): (Timestamp, bool),
        merged: Merged,
        label_events: Reading<Vec<LabelEvent>>,
    ) -> Result<ApiAnswer, Missing> {
        // All are waited for: an answer given up half-way would only be asked for again.
        let rule = approvers.approval_rule.as_deref();
        let (approvals, approval_rules, versions, reviewers, eligible) = futures::join!(
            self.approvals(context, key),
            self.rules_or_why_not(context, key, is_merge || rule.is_some()),
            self.versions(context, key),
            self.reviewers(context, key),
            self.eligible(context, &key.instance, approvers),
        );
        let approvals = approvals.map_err(|error| Missing {
            because: error.to_string(),
            for_good: error.is_withheld(),
        })?;
        let (approval_rules, rule_approvers) = by_rule(approval_rules, rule)?;
        let eligible_now = eligible?;
        let (versions, reviewers) = (reading(versions)?, reading(reviewers)?);
        // Whoever took a label off matters as well: a bot may not decide that.
        let removers = label_events.known().into_iter().flatten().filter(|event| !event.added);
        let removers = removers.filter_map(|event| event.actor.as_ref());
        let removers = removers.filter(|user| eligible_now.known().is_some_and(|members| members.contains(&user.id)));
        let people = approvals.iter().map(|approval| &approval.user).chain(removers);
        let bots = self.bots(context, &key.instance, people).await?;
        Ok(ApiAnswer {
            read_at,
            mr_id: merged.mr_id,
            title: merged.title,
            url: merged.url,
            project_path: merged.project_path,
            author: merged.author,
            created_at: merged.created_at,
            state: Some(merged.state),
            closed_at: merged.closed_at,
            merge: merged.merge,
            labels_now: merged.labels,
            label_events,
            approvals,
            rule_approvers,
            versions,
            reviewers,
            eligible_now,
            bots,
            approval_rules,
            mentions: merged.mentions,
        })
    }

    /// GitLab's own approval rules, if they are of interest.
    async fn rules_or_why_not(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        wanted: bool,
    ) -> Result<Rules, CallError> {
        if wanted {
            reading(self.approval_rules(context, key).await)
        } else {
            Ok(Reading::Unknown("not asked for".to_owned()))
        }
    }

    async fn eligible(
        &self,
        context: &Context,
        instance: &str,
        approvers: &Approvers,
    ) -> Result<Reading<BTreeSet<UserId>>, CallError> {
        let members = match &approvers.group {
            Some(group) => reading(self.members(context, instance, group).await)?,
            None => Reading::Known(BTreeSet::new()),
        };
        Ok(match members {
            Reading::Known(mut members) => {
                members.extend(&approvers.users);
                Reading::Known(members)
            }
            unknown @ Reading::Unknown(_) => unknown,
        })
    }
}

/// What the verdict needs of the approval rules. Unless it needs one, rules that cannot be read now are only missing in the evidence.
fn by_rule(
    rules: Result<Rules, CallError>,
    named: Option<&str>,
) -> Result<(Rules, Reading<BTreeSet<UserId>>), CallError> {
    let Some(name) = named else {
        let rules = rules.unwrap_or_else(|error| Reading::Unknown(error.to_string()));
        return Ok((rules, Reading::Unknown("the rules name no approval rule".to_owned())));
    };
    let rules = rules?;
    let approvers = match &rules {
        Reading::Known(rules) => Reading::Known(approvers_of(rules, name)),
        Reading::Unknown(why) => Reading::Unknown(why.clone()),
    };
    Ok((rules, approvers))
}

/// What GitLab will not say is unknown for good; every other failure is the caller's.
pub(super) fn reading<T>(result: Result<T, CallError>) -> Result<Reading<T>, CallError> {
    match result {
        Ok(value) => Ok(Reading::Known(value)),
        Err(error) if error.is_withheld() => Ok(Reading::Unknown(error.to_string())),
        Err(error) => Err(error),
    }
}
