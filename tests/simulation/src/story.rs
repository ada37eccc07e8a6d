//! A life as text, for failure messages of tests.

use std::fmt::Write as _;

use model::GitLabAnswer;

use crate::Built;
use crate::ledger::{Received, Record};

/// What happened, arrived, was read and was decided, one line each.
#[must_use]
pub fn story(built: &Built, record: &Record) -> String {
    let mut lines: Vec<(i64, String)> = Vec::new();
    for done in &built.world.done {
        lines.push((done.at, format!("GitLab   {:?} {:?}", done.by, done.deed)));
    }
    for received in &record.received {
        lines.push((received.at, event_line(received)));
    }
    for (mode, reading) in &record.readings {
        let freshness = if reading.fresh { "fresh" } else { "not fresh" };
        lines.push((
            reading.at,
            format!("reading  {mode:?} {freshness}: {}", brief(&reading.answer)),
        ));
    }
    for decided in &record.decided {
        let verdict = &decided.verdict;
        let reasons: Vec<&str> = verdict.reasons.iter().map(|reason| reason.detail.as_str()).collect();
        lines.push((
            decided.at,
            format!(
                "decision {:?} confirmed={} notes={:?} reasons={reasons:?} earlier={:?}",
                verdict.outcome, decided.confirmed, verdict.notes, decided.facts.earlier
            ),
        ));
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut text = format!(
        "{:?}\nfaults {:?}\nlags {:?}\n",
        built.world.setting, built.faults, built.lags
    );
    for (at, line) in lines {
        let _ = writeln!(text, "{at:>12} {line}");
    }
    let _ = writeln!(
        text,
        "{:>12} end      {:?} {:?}",
        record.until, record.end, record.counts
    );
    text
}

fn event_line(received: &Received) -> String {
    let event = &received.event;
    let mut line = format!(
        "event    {} state={} of={} occurred={} ({:?}) eligible={:?} labels={:?}+{:?}-{:?}",
        event.action.as_str(),
        event.state.as_deref().unwrap_or("-"),
        received.done_at,
        crate::clock::instant(event.occurred_at),
        event.occurred_at_source,
        event.eligible,
        event.labels,
        event.labels_added,
        event.labels_removed,
    );
    for (holds, word) in [
        (event.stale, " stale"),
        (event.labels_truncated, " cut"),
        (event.system, " system"),
    ] {
        line.push_str(if holds { word } else { "" });
    }
    line
}

fn brief(answer: &GitLabAnswer) -> String {
    match answer {
        GitLabAnswer::Full(answer) => {
            let people = |approval: &model::Approval| {
                let at = approval.approved_at.map(crate::clock::instant);
                format!("{}@{at:?}", approval.user.username)
            };
            let approvals: Vec<String> = answer.approvals.iter().map(people).collect();
            format!(
                "answer {:?} labels={:?} events={:?} approvals={approvals:?} head={:?} versions={:?} members={:?} bots={:?}?{:?}",
                answer.state,
                answer.labels_now,
                answer.label_events.known().map(Vec::len),
                answer.merge.head_sha,
                answer.versions.known().map(Vec::len),
                answer.eligible_now,
                answer.bots,
                answer.bots_unknown,
            )
        }
        GitLabAnswer::LabelsOnly(labels) => format!("labels only {:?}", labels.labels_now),
        GitLabAnswer::Unavailable(unread) => format!("unreadable {} {:?}", unread.because, unread.approvals),
        GitLabAnswer::Denied(unread) => format!("refused {}", unread.because),
        GitLabAnswer::NotMerged(unread) => format!(
            "not merged {:?}",
            unread.labels.as_ref().map(|labels| &labels.labels_now)
        ),
    }
}
