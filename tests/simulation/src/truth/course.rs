//! Whether a whole life went right: every decision by what was seen, the order of decisions, the end.

use super::{Assessed, Class, Defect, Truth};
use crate::Built;
use crate::clock::{DAY, HOUR};
use crate::ledger::{End, Record};
use crate::setting::MergeTime;

/// A decision that is wrong, or another thing that must not happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrong {
    /// A known defect of the rules that explains it.
    pub defect: Option<Defect>,
    /// What it is.
    pub what: String,
}

/// What came of one life.
#[derive(Debug, Clone)]
pub struct Course {
    /// Each decision, and the last one again by everything that was seen until the end.
    pub assessed: Vec<Assessed>,
    /// What is wrong.
    pub wrong: Vec<Wrong>,
}

/// Goes through a life.
#[must_use]
pub fn course(built: &Built, record: &Record) -> Course {
    let truth = Truth::of(&built.world);
    let last = record.decided.last().filter(|_| record.end == End::Confirmed && !record.open);
    let moments = record.decided.iter().map(|decided| (decided, decided.at));
    let moments = moments.chain(last.map(|last| (last, record.until)));
    let mut assessed = Vec::new();
    let mut wrong = Vec::new();
    for (decided, until) in moments {
        let each = truth.assess(decided, record, until);
        if matches!(each.class, Class::WrongAccusation | Class::MissedException) {
            wrong.push(Wrong {
                defect: truth.defect(decided),
                what: format!("{:?}: {}", each.class, each.why),
            });
        }
        assessed.push(each);
    }
    let other = [superseded(record), ended(built, record)];
    wrong.extend(other.into_iter().flatten().map(|what| Wrong { defect: None, what }));
    Course { assessed, wrong }
}

/// Only a confirmed decision supersedes a confirmed one, and an unconfirmed one supersedes nothing.
fn superseded(record: &Record) -> Option<String> {
    let mut later = record.decided.iter().skip(1);
    later
        .any(|decided| !decided.confirmed)
        .then(|| "an unconfirmed decision supersedes another".to_owned())
}

/// A merge that any source showed ends decided, waiting or before the watch; confirmed if GitLab was well for long enough.
fn ended(built: &Built, record: &Record) -> Option<String> {
    if record.end == End::Forgotten {
        return Some("a source showed the merge, and nothing follows".to_owned());
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
    // The longest wait is a day; after seven days what was never shown is read no more.
    let well = well_since < merged_at + 7 * DAY && record.until.saturating_sub(well_since.max(merged_at)) > DAY + HOUR;
    let open = matches!(record.end, End::Pending | End::Denied | End::Unconfirmed | End::GivenUp);
    (well && open).then(|| format!("{:?} although GitLab was well for more than a day", record.end))
}
