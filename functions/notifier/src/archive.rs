//! Archive effects: each checks its target and adds what is missing there, so that a repetition changes nothing.

use std::time::Duration;

use audit::{Context, FailureClass};
use clients::confluence::{Recorded, RowPlace};
use clients::slack::message::pod_confirmation;
use clients::{CallError, Marking, MergeSummary, Tracked};
use model::{Effect, EffectKind, GitLabAnswer};
use store::{AttemptOutcome, MergeForEffect, StoreError};

use crate::attempt::{CLOCK_SKEW, channel};
use crate::worker::Worker;
use crate::{Notifier, backoff};

/// Attempts to wait for a target that the rules do not name.
const ATTEMPTS_UNTIL_CONFIGURED: i32 = 4;
/// Wait between these attempts.
const WAIT_UNTIL_CONFIGURED: Duration = Duration::from_mins(10);
/// Shown in the ledger instead of an issue if none is linked.
const NO_ISSUE: &str = "no_tracking_issue";

/// The state of the target.
enum Stands {
    /// Complete; the target's name for it.
    Done(String),
    /// Incomplete, and no change was allowed.
    Missing,
    /// The rules no longer name the target.
    NotConfigured(&'static str),
}

/// One effect for a merge.
struct Telling<'a> {
    context: &'a Context,
    effect: &'a Effect,
    subject: &'a MergeForEffect,
    merge: MergeSummary,
    /// An earlier attempt may have succeeded.
    look_first: bool,
    /// Nothing may be changed at the target.
    only_look: bool,
}

impl Notifier {
    pub(crate) async fn archive(
        &self,
        worker: &Worker,
        context: &Context,
        effect: &Effect,
        look_first: bool,
    ) -> Result<AttemptOutcome, StoreError> {
        let Some(subject) = worker.store.merge_for_effect(effect).await? else {
            return Ok(AttemptOutcome::Dead {
                error_class: FailureClass::NotFound.to_string(),
                error: "the decision it tells of does not exist".to_owned(),
            });
        };
        let only_look = self.dry_run || subject.newer.is_some();
        if only_look && !look_first {
            return Ok(not_done(&subject));
        }
        let telling = Telling {
            context,
            effect,
            merge: archived(effect, &subject),
            subject: &subject,
            look_first,
            only_look,
        };
        let stands = match effect.kind {
            EffectKind::LinearIssue => linear(worker, &telling).await?,
            EffectKind::JiraIssue => jira(worker, &telling).await?,
            EffectKind::ConfluenceRow => confluence(worker, &telling).await,
            EffectKind::SlackPodConfirmation => confirmation(worker, &telling).await,
            EffectKind::SlackExceptionAlert | EffectKind::SlackExceptionUpdate | EffectKind::LedgerRowEvent => {
                Ok(Stands::Missing)
            }
        };
        Ok(match stands {
            Ok(Stands::Done(external_id)) => AttemptOutcome::Done { external_id },
            Ok(Stands::Missing) => not_done(&subject),
            Ok(Stands::NotConfigured(target)) => self.not_configured(effect, target),
            // A possible earlier success is checked again, and not taken as undone because a check failed.
            Err(error) if look_first => self.unresolved(context, effect, &error).await,
            Err(error) => self.failed(context, effect, &error).await,
        })
    }

    /// During a deployment the processor may know a target that this function does not know yet: it waits some attempts.
    fn not_configured(&self, effect: &Effect, target: &str) -> AttemptOutcome {
        let told = format!("the rules do not name {target}");
        if effect.attempts < ATTEMPTS_UNTIL_CONFIGURED {
            return AttemptOutcome::Ambiguous {
                at: backoff::next(self.clock.now(), effect.attempts, Some(WAIT_UNTIL_CONFIGURED)),
                error_class: FailureClass::NotFound.to_string(),
                error: told,
            };
        }
        AttemptOutcome::Dead {
            error_class: FailureClass::NotFound.to_string(),
            error: told,
        }
    }
}

/// The effect is not at its target and must not be applied.
fn not_done(subject: &MergeForEffect) -> AttemptOutcome {
    match subject.newer {
        Some(newer) => AttemptOutcome::Superseded {
            because: format!("effect {newer} tells of a later decision on the same merge"),
        },
        None => AttemptOutcome::Suppressed,
    }
}

/// The merge to record.
fn archived(effect: &Effect, subject: &MergeForEffect) -> MergeSummary {
    let decision = &subject.decision;
    let mentions = match &decision.facts.api {
        GitLabAnswer::Full(api) => api.mentions.clone(),
        // GitLab has not answered; the delivery's title may still name an issue.
        _ => rules::mentions("", &decision.facts.trigger.title, ""),
    };
    MergeSummary {
        reference: effect.id,
        row: subject.row.clone(),
        verdict: decision.verdict.clone(),
        decision_id: decision.id,
        decided_at: decision.decided_at,
        evidence: decision.evidence.clone(),
        exception_id: subject.exception_id,
        mentions,
        earlier_issue: subject.earlier_external_id.clone().filter(|issue| issue != NO_ISSUE),
        // A message exists or not; an issue may be partly marked.
        is_correction: match effect.kind {
            EffectKind::SlackPodConfirmation => subject.is_reported,
            _ => subject.is_begun,
        },
        is_confirmed: matches!(decision.facts.api, GitLabAnswer::Full(_)),
    }
}

async fn linear(worker: &Worker, telling: &Telling<'_>) -> Result<Result<Stands, Box<CallError>>, StoreError> {
    let Some(settings) = &worker.rules.linear else {
        return Ok(Ok(Stands::NotConfigured("Linear")));
    };
    let client = match &worker.linear {
        Ok(client) => client,
        Err(missing) => return Ok(Err(missing.clone())),
    };
    let (context, merge) = (telling.context, &telling.merge);
    let issue = match client.find(context, merge, &settings.tracking).await {
        Ok(Some(issue)) => issue,
        Ok(None) => return Ok(Ok(Stands::Done(NO_ISSUE.to_owned()))),
        Err(error) => return Ok(Err(error.into())),
    };
    let marking = telling.marking(worker, issue.key()).await?;
    let marked = client.mark(context, merge, &issue, settings, marking).await;
    Ok(marked.map(|tracked| of_tracker(tracked, issue.key())).map_err(Box::new))
}

async fn jira(worker: &Worker, telling: &Telling<'_>) -> Result<Result<Stands, Box<CallError>>, StoreError> {
    let Some(settings) = &worker.rules.jira else {
        return Ok(Ok(Stands::NotConfigured("Jira")));
    };
    let client = match &worker.jira {
        Ok(client) => client,
        Err(missing) => return Ok(Err(missing.clone())),
    };
    let (context, merge) = (telling.context, &telling.merge);
    let issue = match client.find(context, merge, &settings.tracking).await {
        Ok(Some(issue)) => issue,
        Ok(None) => return Ok(Ok(Stands::Done(NO_ISSUE.to_owned()))),
        Err(error) => return Ok(Err(error.into())),
    };
    let marking = telling.marking(worker, issue.key()).await?;
    let marked = client.mark(context, merge, &issue, settings, marking).await;
    Ok(marked.map(|tracked| of_tracker(tracked, issue.key())).map_err(Box::new))
}

impl Telling<'_> {
    /// The changes that mark the issue.
    async fn marking<'a>(&self, worker: &'a Worker, issue: &str) -> Result<Marking<'a>, StoreError> {
        Ok(Marking {
            wording: &worker.rules.slack.wording,
            blocked_by_exception: worker.store.is_issue_held(self.effect, issue).await?,
            read_only: self.only_look,
        })
    }
}

fn of_tracker(tracked: Tracked, issue: &str) -> Stands {
    match tracked {
        Tracked::Done => Stands::Done(issue.to_owned()),
        Tracked::Missing => Stands::Missing,
    }
}

async fn confluence(worker: &Worker, telling: &Telling<'_>) -> Result<Stands, Box<CallError>> {
    let Some(settings) = &worker.rules.confluence else {
        return Ok(Stands::NotConfigured("Confluence"));
    };
    let client = worker.confluence.as_ref().map_err(Clone::clone)?;
    let page = |external_id: &Option<String>| {
        let (page, _version) = external_id.as_deref()?.split_once('@')?;
        Some(page.to_owned())
    };
    let place = RowPlace {
        latest: page(&telling.subject.latest_external_id),
        oldest: page(&telling.subject.oldest_external_id),
        earlier: page(&telling.subject.earlier_external_id),
        anywhere: telling.look_first,
    };
    let how = (settings, &worker.rules.slack.wording);
    let (context, merge) = (telling.context, &telling.merge);
    let recorded = client.record(context, merge, how, &place, telling.only_look).await?;
    Ok(match recorded {
        Recorded::Done { page, version } => Stands::Done(format!("{page}@{version}")),
        Recorded::Missing => Stands::Missing,
    })
}

async fn confirmation(worker: &Worker, telling: &Telling<'_>) -> Result<Stands, Box<CallError>> {
    let client = worker.slack.as_ref().map_err(Clone::clone)?;
    let (context, effect, merge) = (telling.context, telling.effect, &telling.merge);
    if telling.look_first {
        // Nothing can exist there from before the decision was made.
        let decided = merge.decided_at;
        let oldest = decided.saturating_sub(CLOCK_SKEW).unwrap_or(decided);
        let found = client
            .find_message(context, channel(effect), &effect.key, oldest)
            .await?;
        if let Some(posted) = found {
            return Ok(Stands::Done(posted.ts));
        }
    }
    if telling.only_look {
        return Ok(Stands::Missing);
    }
    let message = pod_confirmation(merge, &worker.rules.slack.wording, channel(effect), &effect.key);
    Ok(Stands::Done(client.post_message(context, &message).await?.ts))
}
