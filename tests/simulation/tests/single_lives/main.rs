//! Shrunk lives that the rules once decided wrongly.

mod approvals;
mod labels;

use model::{ExceptionKind, VerdictOutcome};
use simulation::gitlab::Fate;
use simulation::setting::Version;
use simulation::{Life, Person};

const ALICE: Person = Person::Alice;
const AUTHOR: Person = Person::Author;
const BOB: Person = Person::Bob;
const OLD: Version = Version(17, 0);

/// The last outcome, and the whole life as text for the message.
fn outcome(life: &Life) -> (Option<VerdictOutcome>, String) {
    let built = life.build();
    let record = built.play();
    let last = record.decided.last().map(|decided| decided.verdict.outcome.clone());
    (last, simulation::story::story(&built, &record))
}

#[track_caller]
fn is_approved(life: &Life) {
    let (outcome, story) = outcome(life);
    assert!(matches!(outcome, Some(VerdictOutcome::Approved { .. })), "{story}");
}

#[track_caller]
fn is_exception(life: &Life, wanted: &[ExceptionKind]) {
    let (outcome, story) = outcome(life);
    assert!(
        matches!(outcome, Some(VerdictOutcome::Exception { kind }) if wanted.contains(&kind)),
        "{story}"
    );
}

/// The hook of an approval is built before the note that changes the row: it carries the time of the previous change.
fn stale_time() -> Fate {
    Fate {
        built_ms: 100,
        note_ms: 2_000,
        delay_ms: 400,
        ..Fate::default()
    }
}
