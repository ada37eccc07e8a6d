//! Whether a whole life went right: every decision, the order of decisions, the end.

use model::ExceptionKind;

use super::{Assessed, Class, Truth};
use crate::Built;
use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::ledger::{End, Record};
use crate::setting::MergeTime;

/// Result of one life.
#[derive(Debug, Clone)]
pub struct Course {
    /// Each decision, and the last one again with everything seen until the end.
    pub assessed: Vec<Assessed>,
    /// Wrong decisions, and other violations.
    pub wrong: Vec<String>,
}

/// Assesses a life.
#[must_use]
pub fn course(built: &Built, record: &Record) -> Course {
    let truth = Truth::of(&built.world);
    let last = record
        .decided
        .last()
        .filter(|_| record.end == End::Confirmed && !record.open);
    let moments = record.decided.iter().map(|decided| (decided, decided.at));
    let moments = moments.chain(last.map(|last| (last, record.until)));
    let mut assessed = Vec::new();
    let mut wrong = Vec::new();
    for (decided, until) in moments {
        let each = truth.assess(decided, record, until);
        if matches!(each.class, Class::WrongAccusation | Class::MissedException) {
            wrong.push(format!("{:?}: {}", each.class, each.why));
        }
        assessed.push(each);
    }
    let other = [
        superseded(record),
        ended(built, record),
        changed_after_merge(built, record),
    ];
    wrong.extend(other.into_iter().flatten());
    Course { assessed, wrong }
}

/// Only a confirmed decision supersedes a confirmed one; an unconfirmed one supersedes nothing.
fn superseded(record: &Record) -> Option<String> {
    let mut later = record.decided.iter().skip(1);
    later
        .any(|decided| !decided.confirmed)
        .then(|| "an unconfirmed decision supersedes another".to_owned())
}

/// Acts after the merge are listed and never change the kind of a confirmed decision.
fn changed_after_merge(built: &Built, record: &Record) -> Option<String> {
    let merged_at = built.world.merged_at()?;
    // A hook that arrives within a minute of the merge may report an act from before it, and clocks differ.
    let after = merged_at + MINUTE + 10 * SECOND + 2 * built.world.setting.clock_offset_ms.abs();
    record.decided.windows(2).find_map(|pair| {
        let [one, next] = pair else { return None };
        let same_answer = one.confirmed && one.facts.api == next.facts.api;
        let new = || {
            record
                .received
                .iter()
                .filter(|received| (one.at.min(next.at)..=one.at.max(next.at)).contains(&received.at))
        };
        let later = new().all(|received| received.done_at > after);
        let kinds = (one.verdict.exception(), next.verdict.exception());
        // It is unknown whether a revocation with a stale time came before the merge.
        let unordered = !built.world.setting.version.has_actioned_at()
            && kinds.1 == Some(ExceptionKind::Unverified)
            && new().any(|received| received.event.action.is_revocation());
        (same_answer && later && !unordered && kinds.0 != kinds.1)
            .then(|| format!("an act after the merge changes {kinds:?}"))
    })
}

/// A merge that any source showed ends decided, waiting or before the watch; confirmed if GitLab was available long enough.
fn ended(built: &Built, record: &Record) -> Option<String> {
    if record.end == End::Forgotten {
        return Some("a source showed the merge, but nothing followed".to_owned());
    }
    if built.world.merged_at().is_none() && !record.decided.is_empty() {
        return Some("a decision without a merge".to_owned());
    }
    let merged_at = built.world.merged_at()?;
    let visible = match built.world.setting.merge_time {
        MergeTime::Shown => 0,
        MergeTime::HiddenFor(ms) => merged_at + ms,
        MergeTime::Hidden => i64::MAX,
    };
    let faults = built.faults.iter().map(|fault| fault.to);
    let lags = built.lags.iter().map(|lag| lag.to);
    let well_since = faults.chain(lags).chain([visible]).max().unwrap_or(0);
    // The longest wait is a day; after seven days a merge that was never shown is no longer read.
    let well = well_since < merged_at + 7 * DAY && record.until.saturating_sub(well_since.max(merged_at)) > DAY + HOUR;
    let open = matches!(record.end, End::Pending | End::Denied | End::Unconfirmed | End::GivenUp);
    (well && open).then(|| format!("{:?} although GitLab was healthy for more than a day", record.end))
}
