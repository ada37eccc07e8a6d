//! Readings of GitLab and their consequences.

use model::{Facts, GitLabAnswer, LabelFacts, MergeRequestEvent, MergeTrigger};
use rules::{BEFORE_WATCH, CurrentDecision, Ruling, after_reading, earlier_facts, further_reading_at, needs_approvals};

use super::{Decided, Flow};
use crate::api::{Mode, Reading};
use crate::clock::{HOUR, instant, timestamp};

/// Waits within one reading while GitLab does not show the merge.
const QUICK: [i64; 3] = [300, 1_000, 2_000];

impl Flow<'_> {
    /// Reads a merge and applies the rules' result.
    pub(super) fn read_merge(&mut self, now: i64) {
        let (Some(mut evaluation), Some(trigger)) = (self.evaluation.take(), self.trigger.clone()) else {
            return;
        };
        // 1. The reading.
        let current = self.record.decided.last().cloned();
        let is_reread = evaluation.attempts > 0 || !evaluation.pending;
        match &current {
            Some(current) if current.confirmed => self.record.counts.further_readings += 1,
            _ => self.record.counts.rereads += u32::from(is_reread),
        }
        evaluation.reread_at = is_reread.then_some(now).or(evaluation.reread_at);
        let blank = Facts {
            merge_request: Self::key(),
            trigger,
            api: GitLabAnswer::Unavailable("not read yet".to_owned().into()),
            deadline_passed: evaluation.pending && now >= evaluation.deadline(),
            history: self.history.clone(),
            history_truncated: false,
            earlier: self.earlier.clone(),
        };
        let reading = self.read(now, &blank);
        let facts = Facts {
            api: reading.answer.clone(),
            ..blank
        };
        self.merge_seen |= facts.api.merged_at().is_some();
        evaluation.shown |= !matches!(&facts.api, GitLabAnswer::Denied(unread) if unread.labels.is_none());
        if let (Some(merged_at), false, None) = (facts.api.merged_at(), evaluation.by_merge_event, &current)
            && timestamp(evaluation.first_seen_at).duration_since(merged_at) > BEFORE_WATCH
        {
            self.before_watch = true;
            return;
        }
        // 2. The ruling, and its consequences.
        let ruling = after_reading(&facts, current.as_ref().map(current_decision), self.rules);
        self.earlier = earlier_facts(&facts, self.rules);
        let further = further_reading_at(&facts, self.rules, timestamp(now)).filter(|at| *at > timestamp(now));
        match ruling {
            Ruling::Decide { verdict, confirmed } => {
                self.record.decided.push(Decided {
                    at: reading.at,
                    facts,
                    verdict: *verdict,
                    confirmed,
                });
                if confirmed && further.is_none() {
                    return;
                }
                evaluation.read_again(now, further.map(instant));
            }
            Ruling::Wait { not_before: at, .. } => evaluation.wait(now, at.map(instant)),
            Ruling::Reread { not_before: at, .. } => evaluation.read_again(now, at.map(instant)),
            Ruling::Denied { .. } => evaluation.read_again(now, None),
            Ruling::Unchanged if further.is_some() => evaluation.read_again(now, further.map(instant)),
            Ruling::Unchanged => return,
        }
        self.evaluation = Some(evaluation);
    }

    /// Right after its hook GitLab may not show the merge yet.
    fn read(&mut self, now: i64, facts: &Facts) -> Reading {
        let wanted = |labels: &LabelFacts| needs_approvals(facts, labels, self.rules);
        let mut reading = self.api.read(now, Mode::Merge, wanted);
        for wait in QUICK {
            let lags = match &reading.answer {
                GitLabAnswer::NotMerged(_) => true,
                GitLabAnswer::Denied(unread) => unread.labels.is_none(),
                _ => false,
            };
            if !lags {
                break;
            }
            reading = self.api.read(reading.at + wait, Mode::Merge, wanted);
        }
        self.keep(Mode::Merge, &reading);
        reading
    }

    /// Reads a merge request for a labelled event before any source showed a merge.
    pub(super) fn review(&mut self, now: i64, event: &MergeRequestEvent, stale: bool) {
        self.record.counts.reviews += 1;
        let reading = self.api.read(now, Mode::Review, |_| true);
        self.keep(Mode::Review, &reading);
        let trigger = if stale {
            MergeTrigger::untrusted(event, timestamp(now))
        } else {
            MergeTrigger::of_other(event)
        };
        let facts = Facts {
            merge_request: Self::key(),
            trigger: trigger.clone(),
            api: before_merge(reading.answer, now),
            deadline_passed: false,
            history: self.history.clone(),
            history_truncated: false,
            earlier: self.earlier.clone(),
        };
        self.earlier = earlier_facts(&facts, self.rules);
        let shown_merged =
            matches!(&facts.api, GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) if unread.merged);
        if shown_merged
            || facts
                .api
                .merged_at()
                .is_some_and(|merged_at| merged_at <= timestamp(now + AHEAD))
        {
            self.merge_shown(now, trigger);
        }
    }
}

/// GitLab's clock is ahead by less than this. A merge shown later than that is the one assumed for a review.
const AHEAD: i64 = HOUR;

fn current_decision(decided: &Decided) -> CurrentDecision<'_> {
    CurrentDecision {
        facts: &decided.facts,
        verdict: &decided.verdict,
        confirmed: decided.confirmed,
    }
}

/// A partial answer for a review does not describe a merge: its labels are from before it.
fn before_merge(answer: GitLabAnswer, now: i64) -> GitLabAnswer {
    let assumed = answer
        .merged_at()
        .is_some_and(|merged_at| merged_at > timestamp(now + AHEAD));
    match answer {
        GitLabAnswer::Unavailable(unread) | GitLabAnswer::Denied(unread) if assumed => GitLabAnswer::NotMerged(unread),
        other => other,
    }
}
