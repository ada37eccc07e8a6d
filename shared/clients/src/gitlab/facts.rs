//! GitLab's answer about one merge request, read for the verdict in two stages.
//!
//! Needed reads decide: if one fails, the answer is incomplete and keeps everything that was read. Optional reads (reviewers, and
//! GitLab's approval rules unless the rules name one) never delay the answer and never fail it.

mod needed;
mod surroundings;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use audit::Context;
use jiff::{SignedDuration, Timestamp};
use model::{GitLabAnswer, LabelFacts, MergeRequestKey, PartialAnswer, Reading, UserId};
use rules::Approvers;
use tokio::time::{Instant, sleep};

use self::needed::{Missing, in_time};
use super::GitLab;
use super::merge_request::Seen;
use crate::CallError;

/// Time limits: of the merge request with its labels, and of both stages together.
const FIRST_STAGE: Duration = Duration::from_secs(5);
const BOTH_STAGES: Duration = Duration::from_secs(8);

/// Waits before re-reading a merge request that GitLab does not show yet, or not as merged: its replicas lag behind its hooks.
const LAG: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// What to read, and about which merge request.
#[derive(Debug, Clone, Copy)]
pub struct FactsRequest<'a> {
    pub key: &'a MergeRequestKey,
    /// Who may approve; `None`: the rules do not name the instance.
    pub approvers: Option<&'a Approvers>,
    /// `group/project` as last known, for reads that need it.
    pub project_path: &'a str,
    pub now: Timestamp,
    /// Read again soon if GitLab does not show the merge yet, as happens right after its hook.
    pub expect_lag: bool,
}

/// The members of the approvers' group, read by the caller, which may have them cached.
pub type Members = Result<Reading<BTreeSet<UserId>>, CallError>;

impl GitLab {
    /// Reads everything that the verdict on a merge needs: at most seven requests and one for each unknown account.
    ///
    /// The merge request and its label events come first. If `wanted` rejects these labels, nothing more is read
    /// ([`GitLabAnswer::LabelsOnly`]). What GitLab withholds (403, 404) is [`Reading::Unknown`]. A temporary failure (network,
    /// timeout, rate limit, 5xx, unreadable answers, a rejected token) makes the answer [`GitLabAnswer::Unavailable`]. If GitLab
    /// hides the merge request or its approvals, the answer is [`GitLabAnswer::Denied`]; if it does not show it as merged,
    /// [`GitLabAnswer::NotMerged`].
    pub async fn merge_facts(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        members: impl Future<Output = Members> + Send,
        wanted: impl Fn(&LabelFacts) -> bool + Send + Sync,
    ) -> GitLabAnswer {
        let mut waits = LAG.into_iter().filter(|_| request.expect_lag);
        let began = Instant::now();
        let mut members = Box::pin(members);
        let mut before: Option<GitLabAnswer> = None;
        loop {
            let answer = self
                .read(context, request, None, began, members.as_mut(), &wanted)
                .await;
            let lags = matches!(answer, GitLabAnswer::NotMerged(_))
                || matches!(&answer, GitLabAnswer::Denied(unread) if unread.labels.is_none());
            match waits.next().filter(|_| lags) {
                Some(wait) => {
                    before = Some(answer);
                    sleep(wait).await;
                }
                // An earlier partial answer is better than nothing.
                None => match (&answer, before) {
                    (
                        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread),
                        Some(before @ GitLabAnswer::NotMerged(_)),
                    ) if !unread.details_read => {
                        return before;
                    }
                    _ => return answer,
                },
            }
        }
    }

    /// The same for a merge request that may be unmerged. An unmerged one gets an assumed merge time one day from now: the same
    /// rules then check its approvals, and an approval that arrives during the reads, or by a clock ahead of ours, is still before
    /// the merge.
    pub async fn review_facts(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        members: impl Future<Output = Members> + Send,
    ) -> GitLabAnswer {
        let day = SignedDuration::from_hours(24);
        let as_of = request.now.saturating_add(day).unwrap_or(request.now);
        let members = std::pin::pin!(members);
        self.read(context, request, Some(as_of), Instant::now(), members, &|_| true)
            .await
    }

    async fn read(
        &self,
        context: &Context,
        request: FactsRequest<'_>,
        as_of: Option<Timestamp>,
        began: Instant,
        members: std::pin::Pin<&mut (impl Future<Output = Members> + Send)>,
        wanted: &(impl Fn(&LabelFacts) -> bool + Sync),
    ) -> GitLabAnswer {
        // 1. The merge request and its label events.
        let until = began + FIRST_STAGE;
        let (merged, labels) = match Box::pin(self.first_stage(context, request.key, as_of, until, wanted)).await {
            ControlFlow::Continue(read) => read,
            ControlFlow::Break(answer) => return answer,
        };
        // 2. Approvals and everything they are checked by.
        let (is_merged, label_events) = (labels.merged_at.is_some(), labels.label_events.clone());
        let until = began + BOTH_STAGES;
        let surroundings = self.surroundings(context, request, *merged, label_events, members, until);
        match surroundings.await {
            Ok(answer) => GitLabAnswer::Full(Box::new(model::MergeRequestDetails {
                clock_offset_seconds: labels.clock_offset_seconds,
                ..answer
            })),
            Err((missing, approvals)) => {
                let withheld = missing.withheld;
                let unread = PartialAnswer {
                    read_at: Some(request.now),
                    merged: is_merged,
                    ..missing.with(labels, approvals.filter(|_| is_merged).unwrap_or_default())
                };
                if withheld {
                    GitLabAnswer::Denied(unread)
                } else {
                    GitLabAnswer::Unavailable(unread)
                }
            }
        }
    }

    /// The merge request and its label events. Breaks with the answer if more cannot be read or is not needed.
    async fn first_stage(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        as_of: Option<Timestamp>,
        until: Instant,
        wanted: &(impl Fn(&LabelFacts) -> bool + Sync),
    ) -> ControlFlow<GitLabAnswer, (Box<super::merge_request::Merged>, LabelFacts)> {
        // 1. Both reads run concurrently.
        let (details, label_events) = futures::join!(
            in_time(until, self.merge_request(context, key, as_of)),
            in_time(until, self.label_events(context, key)),
        );
        let (seen, clock_offset_seconds) = match details {
            Ok(details) => details,
            Err(missing) => return ControlFlow::Break(without_details(missing, label_events.ok())),
        };
        let (label_events, failed) = match label_events {
            Ok(label_events) => (label_events, None),
            Err(missing) => (Reading::Unknown(missing.because.clone()), Some(missing)),
        };
        // 2. The merge and its labels decide whether more is needed.
        let labels = |merged_at, labels_now: Vec<String>| LabelFacts {
            merged_at,
            labels_now,
            label_events,
            clock_offset_seconds,
        };
        ControlFlow::Break(match seen {
            Seen::Merged(merged) => {
                // The merge time of an unmerged one is assumed and must not be kept beyond this read.
                let is_merged = merged.state == "merged";
                let labels = labels(is_merged.then_some(merged.merge.merged_at), merged.labels.clone());
                match failed {
                    Some(missing) => GitLabAnswer::Unavailable(PartialAnswer {
                        merged: is_merged,
                        ..missing.with(labels, Vec::new())
                    }),
                    None if !wanted(&labels) => GitLabAnswer::LabelsOnly(labels),
                    None => return ControlFlow::Continue((merged, labels)),
                }
            }
            Seen::NotYet { because, labels: now } => GitLabAnswer::NotMerged(PartialAnswer {
                labels: Some(labels(None, now)),
                ..PartialAnswer::from(because)
            }),
            Seen::WithoutTime { because, labels: now } => {
                let labels = labels(None, now);
                match failed {
                    None if !wanted(&labels) => GitLabAnswer::LabelsOnly(labels),
                    _ => GitLabAnswer::Unavailable(PartialAnswer {
                        labels: Some(labels),
                        merged: true,
                        details_read: true,
                        ..PartialAnswer::from(because)
                    }),
                }
            }
        })
    }
}

/// The answer if the merge request itself could not be read. Label events are useful without it too.
fn without_details(missing: Missing, label_events: Option<Reading<Vec<model::LabelEvent>>>) -> GitLabAnswer {
    if missing.not_found {
        return GitLabAnswer::Denied(missing.into());
    }
    // Also 403: a token without access to merge requests is a configuration error that can be fixed.
    let named = label_events.filter(|read| read.known().is_some_and(|events| !events.is_empty()));
    let labels = named.map(|label_events| LabelFacts {
        merged_at: None,
        labels_now: Vec::new(),
        label_events,
        clock_offset_seconds: 0,
    });
    GitLabAnswer::Unavailable(PartialAnswer {
        labels,
        ..missing.into()
    })
}

/// What GitLab withholds is unknown; the caller handles every other failure.
pub(super) fn reading<T>(result: Result<T, CallError>) -> Result<Reading<T>, CallError> {
    match result {
        Ok(value) => Ok(Reading::Known(value)),
        Err(error) if error.is_withheld() => Ok(Reading::Unknown(error.to_string())),
        Err(error) => Err(error),
    }
}

/// The same for an optional read: every failure makes it unknown.
fn optional<T>(result: Option<Result<T, Missing>>) -> Reading<T> {
    match result {
        Some(Ok(value)) => Reading::Known(value),
        Some(Err(missing)) => Reading::Unknown(missing.because),
        None => Reading::Unknown("GitLab did not answer in time; this read is optional".to_owned()),
    }
}
