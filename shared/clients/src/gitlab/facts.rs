//! Witness A: everything the API says about one merge, gathered for the verdict.

use std::collections::BTreeSet;

use audit::Context;
use jiff::Timestamp;
use model::{ApiAnswer, MergeRequestKey, Reading, UserId, WitnessA};
use rules::Approvers;

use super::GitLab;
use super::merge_request::{Merged, Seen};
use crate::CallError;

impl GitLab {
    /// Reads all that the verdict on a merge needs. Six requests at once at most, and nothing outlives the returned future.
    ///
    /// What this GitLab will not say (403, 404) is [`Reading::Unknown`]. What cannot be read *now* (network, timeout, rate limit,
    /// 5xx, unreadable answers, a refused token, a merge not shown yet) makes the whole witness [`WitnessA::Unreadable`]. A merge
    /// request or its approvals that GitLab does not show to us at all make it [`WitnessA::Refused`].
    pub async fn merge_facts(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        approvers: &Approvers,
        now: Timestamp,
    ) -> WitnessA {
        let merged = match self.merge_request(context, key).await {
            Ok(Seen::Merged(merged)) => merged,
            Ok(Seen::NotYet(why)) => return WitnessA::Unreadable(why),
            Err(error) if error.is_not_found() => return WitnessA::Refused(error.to_string()),
            // Also 403: a token that may not read merge requests is a fault of ours that can be mended.
            Err(error) => return WitnessA::Unreadable(error.to_string()),
        };
        match self.surroundings(context, key, approvers, now, *merged).await {
            Ok(witness) => witness,
            Err(error) => WitnessA::Unreadable(error.to_string()),
        }
    }

    async fn surroundings(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        approvers: &Approvers,
        read_at: Timestamp,
        merged: Merged,
    ) -> Result<WitnessA, CallError> {
        // All are waited for: an answer given up half-way would only be asked for again.
        let (approvals, rule_approvers, label_events, versions, reviewers, eligible) = futures::join!(
            self.approvals(context, key),
            self.named_rule(context, key, approvers.approval_rule.as_deref()),
            self.label_events(context, key),
            self.versions(context, key),
            self.reviewers(context, key),
            self.eligible(context, &key.instance, approvers),
        );
        let approvals = match approvals {
            Ok(approvals) => approvals,
            Err(error) if error.is_withheld() => return Ok(WitnessA::Refused(error.to_string())),
            Err(error) => return Err(error),
        };
        let (rule_approvers, label_events, eligible_now) = (rule_approvers?, label_events?, eligible?);
        let (versions, reviewers) = (reading(versions)?, reading(reviewers)?);
        let bots = self.bots(context, &key.instance, &approvals).await?;
        Ok(WitnessA::Answer(Box::new(ApiAnswer {
            read_at,
            mr_id: merged.mr_id,
            title: merged.title,
            url: merged.url,
            project_path: merged.project_path,
            author: merged.author,
            merge: merged.merge,
            labels_now: merged.labels,
            label_events,
            approvals,
            rule_approvers,
            versions,
            reviewers,
            eligible_now,
            bots,
        })))
    }

    async fn named_rule(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        rule: Option<&str>,
    ) -> Result<Reading<BTreeSet<UserId>>, CallError> {
        match rule {
            Some(rule) => reading(self.rule_approvers(context, key, rule).await),
            None => Ok(Reading::Unknown("the rules name no approval rule".to_owned())),
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

/// What GitLab will not say is unknown for good; every other failure is the caller's.
pub(super) fn reading<T>(result: Result<T, CallError>) -> Result<Reading<T>, CallError> {
    match result {
        Ok(value) => Ok(Reading::Known(value)),
        Err(error) if error.is_withheld() => Ok(Reading::Unknown(error.to_string())),
        Err(error) => Err(error),
    }
}
