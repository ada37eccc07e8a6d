//! Figures of many lives.

use std::collections::BTreeMap;
use std::fmt;

use model::{ExceptionKind, GitLabAnswer, VerdictOutcome};

use crate::Built;
use crate::gitlab::Deed;
use crate::ledger::Record;
use crate::truth::{Class, Course};

/// Figures of many lives.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub lives: usize,
    pub decisions: usize,
    /// Last decisions by outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// Assessments by class.
    pub classes: BTreeMap<Class, usize>,
    /// Decisions misled by the sources, by reason.
    pub misled: BTreeMap<String, usize>,
    /// Other observations, by name.
    pub met: BTreeMap<&'static str, usize>,
    /// Ends of lives.
    pub ends: BTreeMap<String, usize>,
}

/// What every large enough set of lives must contain for the checks to be meaningful.
pub const TO_MEET: [&str; 19] = [
    "re-read",
    "second reading after a revocation",
    "reading after labels only",
    "review before the merge",
    "duplicate",
    "event lost",
    "event stale",
    "label list cut",
    "reset seen",
    "lagging answer",
    "labels only",
    "answer with a part withheld",
    "unreadable",
    "refused",
    "not merged yet",
    "merge without its time",
    "eligibility as of now",
    "label events unreadable",
    "superseded",
];

impl Summary {
    /// Adds one life.
    pub fn add(&mut self, built: &Built, record: &Record, course: &Course) {
        self.lives += 1;
        self.decisions += record.decided.len();
        if let Some(last) = record.decided.last() {
            *self.outcomes.entry(outcome(&last.verdict.outcome)).or_default() += 1;
        }
        for assessed in &course.assessed {
            *self.classes.entry(assessed.class).or_default() += 1;
            if assessed.class == Class::Misled {
                *self.misled.entry(assessed.why.clone()).or_default() += 1;
            }
        }
        *self.ends.entry(format!("{:?}", record.end)).or_default() += 1;
        for (holds, name) in met(built, record, course) {
            *self.met.entry(name).or_default() += usize::from(holds);
        }
    }

    /// Expected observations that never occurred.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let outcomes = ExceptionKind::ALL.iter().map(|kind| kind.as_str());
        let outcomes = outcomes.chain(["approved api", "approved both", "declassified", "not carried"]);
        let ends = [
            "NotMerged",
            "BeforeWatch",
            "Confirmed",
            "Unconfirmed",
            "GivenUp",
            "Pending",
            "Denied",
        ];
        let mut missing: Vec<String> = outcomes
            .filter(|outcome| !self.outcomes.contains_key(*outcome))
            .chain(ends.into_iter().filter(|end| !self.ends.contains_key(*end)))
            .map(str::to_owned)
            .collect();
        let met = |name: &&&str| self.met.get(**name).is_none_or(|count| *count == 0);
        missing.extend(TO_MEET.iter().filter(met).map(|name| (*name).to_owned()));
        missing
    }
}

fn outcome(outcome: &VerdictOutcome) -> String {
    match outcome {
        VerdictOutcome::Exception { kind } => kind.as_str().to_owned(),
        VerdictOutcome::Approved { proof } => format!("approved {}", proof.as_str()),
        VerdictOutcome::Declassified => "declassified".to_owned(),
        VerdictOutcome::NotCarried => "not carried".to_owned(),
        VerdictOutcome::Pending { .. } => "pending".to_owned(),
    }
}

fn met(built: &Built, record: &Record, course: &Course) -> [(bool, &'static str); 19] {
    let merge = || {
        record
            .readings
            .iter()
            .filter(|(mode, _)| *mode == crate::api::Mode::Merge)
    };
    let any = |holds: &dyn Fn(&GitLabAnswer) -> bool| merge().any(|(_, reading)| holds(&reading.answer));
    let fates = || built.world.done.iter();
    let further = |holds: &dyn Fn(&GitLabAnswer) -> bool| {
        record.counts.further_readings > 0 && record.decided.iter().any(|decided| holds(&decided.facts.api))
    };
    let is_full = |answer: &GitLabAnswer| matches!(answer, GitLabAnswer::Full(_));
    let mut decided = record.decided.iter();
    let withheld = decided.any(|decided| !decided.confirmed && is_full(&decided.facts.api));
    let labels_only = |answer: &GitLabAnswer| matches!(answer, GitLabAnswer::LabelsOnly(_));
    let without_time = |answer: &GitLabAnswer| match answer {
        GitLabAnswer::LabelsOnly(labels) => labels.merged_at.is_none(),
        GitLabAnswer::Unavailable(unread) => unread.labels.as_ref().is_some_and(|labels| labels.merged_at.is_none()),
        _ => false,
    };
    [
        (record.counts.rereads > 0, TO_MEET[0]),
        (further(&is_full), TO_MEET[1]),
        (further(&labels_only), TO_MEET[2]),
        (record.counts.reviews > 0, TO_MEET[3]),
        (record.counts.duplicates > 0, TO_MEET[4]),
        (fates().any(|done| done.fate.lost), TO_MEET[5]),
        (record.received.iter().any(|received| received.event.stale), TO_MEET[6]),
        (
            record.received.iter().any(|received| received.event.labels_truncated),
            TO_MEET[7],
        ),
        (
            fates().any(|done| matches!(done.deed, Deed::Reset(_)))
                && record.received.iter().any(|received| received.event.system),
            TO_MEET[8],
        ),
        (
            merge().any(|(_, reading)| !reading.fresh && is_full(&reading.answer)),
            TO_MEET[9],
        ),
        (any(&labels_only), TO_MEET[10]),
        (withheld, TO_MEET[11]),
        (
            any(&|answer| matches!(answer, GitLabAnswer::Unavailable(_))),
            TO_MEET[12],
        ),
        (any(&|answer| matches!(answer, GitLabAnswer::Denied(_))), TO_MEET[13]),
        (any(&|answer| matches!(answer, GitLabAnswer::NotMerged(_))), TO_MEET[14]),
        (any(&without_time), TO_MEET[15]),
        (course.assessed.iter().any(|assessed| assessed.as_of_now), TO_MEET[16]),
        (
            course.assessed.iter().any(|assessed| assessed.label_events_unreadable),
            TO_MEET[17],
        ),
        (record.decided.len() > 1, TO_MEET[18]),
    ]
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lives, {} decisions", self.lives, self.decisions)?;
        writeln!(f, "last decisions: {:?}", self.outcomes)?;
        writeln!(f, "ends: {:?}", self.ends)?;
        writeln!(f, "assessed: {:?}", self.classes)?;
        for (why, count) in &self.misled {
            writeln!(f, "  misled {count}: {why}")?;
        }
        write!(f, "lives with: {:?}", self.met)
    }
}
