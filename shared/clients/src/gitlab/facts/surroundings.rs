//! The second stage: approvals and everything they are checked by.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use audit::Context;
use futures::future::{Either, select};
use model::{
    Approval, ApprovalRule, LabelEvent, MergeRequestDetails, NOT_ASKED, NOT_OFFERED, Reading, Reviewer, User, UserId,
};
use tokio::time::{Instant, timeout};

use super::needed::{Missing, in_time};
use super::{FactsRequest, Members, optional, reading};
use crate::gitlab::GitLab;
use crate::gitlab::approval_rules::approvers_of;
use crate::gitlab::merge_request::Merged;

/// Optional reads are abandoned this long after the needed ones.
const GRACE: Duration = Duration::from_millis(300);

/// Optional reads store their results here, so that one that hangs does not lose the result of the other.
#[derive(Default)]
struct Optional {
    reviewers: OnceLock<Result<Vec<Reviewer>, Missing>>,
    rules: OnceLock<Result<Vec<ApprovalRule>, Missing>>,
}

/// What the verdict needs in addition to approvals.
struct Needed {
    approvals: Vec<Approval>,
    rules: Option<Reading<Vec<ApprovalRule>>>,
    versions: Reading<Vec<model::DiffVersion>>,
    members: Reading<BTreeSet<UserId>>,
    committers: Reading<BTreeSet<UserId>>,
}

/// What is missing, and the approvals if they were read.
type Incomplete = (Missing, Option<Vec<Approval>>);

impl GitLab {
    pub(super) async fn surroundings(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        merged: Merged,
        label_events: Reading<Vec<LabelEvent>>,
        members: Pin<&mut (impl Future<Output = Members> + Send)>,
        until: Instant,
    ) -> Result<MergeRequestDetails, Incomplete> {
        // 1. All reads run concurrently; only needed ones are awaited.
        let path = merged.project_path.as_deref().unwrap_or(request.project_path);
        let (needed, extra) = self.all(context, request, path, members, until).await?;
        // 2. Accounts that may be bots; bots neither approve nor remove labels.
        let eligible_now = eligible(needed.members, request);
        let (bots, bots_unknown) = self
            .flags(context, request, &needed.approvals, &label_events, &eligible_now, until)
            .await
            .map_err(|missing| (missing, Some(needed.approvals.clone())))?;
        let rules = needed.rules;
        let rule_approvers = match (named_rule(request), &rules) {
            (Some(name), Some(Reading::Known(rules))) => Reading::Known(approvers_of(rules, name)),
            (Some(_), Some(Reading::Unknown(why))) => Reading::Unknown(why.clone()),
            _ => Reading::Unknown("the rules name no approval rule".to_owned()),
        };
        Ok(MergeRequestDetails {
            read_at: request.now,
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
            approvals: needed.approvals,
            rule_approvers,
            versions: needed.versions,
            reviewers: optional(extra.reviewers.into_inner()),
            eligible_now,
            bots,
            bots_unknown,
            committers: needed.committers,
            clock_offset_seconds: 0,
            approval_rules: rules.unwrap_or_else(|| optional(extra.rules.into_inner())),
            mentions: merged.mentions,
        })
    }

    /// The needed reads, and the optional ones that finish in time.
    async fn all(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        path: &str,
        members: Pin<&mut (impl Future<Output = Members> + Send)>,
        until: Instant,
    ) -> Result<(Needed, Optional), Incomplete> {
        let slots = Optional::default();
        let needed = Box::pin(self.needed(context, request, path, members, until));
        let reads = Box::pin(self.optional(context, request, named_rule(request).is_none(), &slots, until));
        let needed = match select(needed, reads).await {
            Either::Left((needed, reads)) => {
                let _ = timeout(GRACE, reads).await;
                needed
            }
            Either::Right(((), needed)) => needed.await,
        };
        Ok((needed?, slots))
    }

    async fn needed(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        path: &str,
        members: Pin<&mut (impl Future<Output = Members> + Send)>,
        until: Instant,
    ) -> Result<Needed, Incomplete> {
        let key = request.key;
        let excludes = request.approvers.is_some_and(|approvers| approvers.exclude_committers);
        let rules = async {
            if named_rule(request).is_some() {
                Ok(Some(match self.approval_rules(context, key).await {
                    // The merge request is visible, so this GitLab tier has no such rules.
                    Err(error) if error.is_not_found() => Reading::Unknown(NOT_OFFERED.to_owned()),
                    read => reading(read)?,
                }))
            } else {
                Ok(None)
            }
        };
        let committers = async {
            if excludes {
                match self.committers(context, key, path).await {
                    Err(error) if error.is_withheld() => Ok(Reading::Unknown(error.to_string())),
                    read => read,
                }
            } else {
                Ok(Reading::Unknown(NOT_ASKED.to_owned()))
            }
        };
        let versions = async { reading(self.versions(context, key).await) };
        // All are awaited: results are kept even if another read fails.
        let (approvals, rules, versions, members, committers) = futures::join!(
            in_time(until, self.approvals(context, key)),
            in_time(until, rules),
            in_time(until, versions),
            in_time(until, members),
            in_time(until, committers),
        );
        let approvals = approvals.map_err(|missing| (missing, None))?;
        let kept = |missing| (missing, Some(approvals.clone()));
        Ok(Needed {
            rules: rules.map_err(kept)?,
            versions: versions.map_err(kept)?,
            members: members.map_err(kept)?,
            committers: committers.map_err(kept)?,
            approvals,
        })
    }

    async fn optional(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        with_rules: bool,
        slots: &Optional,
        until: Instant,
    ) {
        let reviewers = async {
            let read = in_time(until, self.reviewers(context, request.key)).await;
            let _ = slots.reviewers.set(read);
        };
        let rules = async {
            if with_rules {
                let read = in_time(until, self.approval_rules(context, request.key)).await;
                let _ = slots.rules.set(read);
            }
        };
        futures::join!(reviewers, rules);
    }

    /// Whether approvers, and members who removed a label, are bots.
    async fn flags(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        approvals: &[Approval],
        label_events: &Reading<Vec<LabelEvent>>,
        eligible_now: &Reading<BTreeSet<UserId>>,
        until: Instant,
    ) -> Result<(BTreeMap<UserId, bool>, BTreeSet<UserId>), Missing> {
        let removers = label_events.known().into_iter().flatten().filter(|event| !event.added);
        let removers = removers.filter_map(|event| event.actor.as_ref());
        let removers = removers.filter(|user| eligible_now.known().is_some_and(|members| members.contains(&user.id)));
        let people = approvals.iter().map(|approval| &approval.user).chain(removers);
        let people: Vec<&User> = people.filter(|user| !user.looks_like_bot()).collect();
        in_time(until, self.bots(context, &request.key.instance, people.into_iter())).await
    }
}

/// The approval rule that the rules name.
fn named_rule(request: FactsRequest<'_>) -> Option<&str> {
    request.approvers?.approval_rule.as_deref()
}

/// Who may approve now: the members and the listed users.
fn eligible(members: Reading<BTreeSet<UserId>>, request: FactsRequest<'_>) -> Reading<BTreeSet<UserId>> {
    let listed_users = request.approvers.map(|approvers| &approvers.users);
    match members {
        Reading::Known(mut members) => {
            members.extend(listed_users.into_iter().flatten());
            Reading::Known(members)
        }
        unknown @ Reading::Unknown(_) => unknown,
    }
}
