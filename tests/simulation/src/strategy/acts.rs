//! Random acts and the fates of their hooks.

use proptest::prelude::*;

use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::gitlab::{Act, Fate, Timed};
use crate::people::Person;
use crate::setting::Label;

/// Any label.
pub(super) fn label() -> impl Strategy<Value = Label> {
    prop_oneof![
        3 => Just(Label::High),
        1 => Just(Label::Low),
        1 => Just(Label::CriticalOfProject),
        1 => Just(Label::CriticalOfGroup),
        2 => Just(Label::Backend),
    ]
}

fn person() -> impl Strategy<Value = Person> {
    prop_oneof![
        2 => Just(Person::Author),
        6 => Just(Person::Alice),
        3 => Just(Person::Bob),
        2 => Just(Person::Carol),
        1 => Just(Person::Listed),
        2 => Just(Person::Outsider),
        1 => Just(Person::Token),
        1 => Just(Person::Robot),
    ]
}

/// Races of milliseconds and seconds, acts within minutes, quiet hours, long pauses.
fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => 1..3 * SECOND,
        3 => 3 * SECOND..30 * SECOND,
        3 => 30 * SECOND..20 * MINUTE,
        2 => 20 * MINUTE..5 * HOUR,
        1 => 5 * HOUR..3 * DAY,
    ]
}

fn gap_after_merge() -> impl Strategy<Value = i64> {
    prop_oneof![6 => gap(), 1 => 5 * DAY..12 * DAY]
}

/// What happens to a hook.
pub(super) fn fate() -> impl Strategy<Value = Fate> {
    let short = || prop_oneof![5 => 1..2 * SECOND, 2 => 2 * SECOND..30 * SECOND, 1 => 30 * SECOND..5 * HOUR];
    let rarely = |weight: f64| proptest::option::weighted(weight, short());
    (
        proptest::bool::weighted(0.15),
        0..3 * SECOND,
        0..4 * SECOND,
        short(),
        rarely(0.2),
        rarely(0.1),
        proptest::bool::weighted(0.04),
        proptest::bool::weighted(0.04),
    )
        .prop_map(
            |(lost, built_ms, note_ms, delay_ms, twin_ms, again_ms, stale, cut)| Fate {
                lost,
                built_ms,
                note_ms,
                delay_ms,
                twin_ms,
                again_ms,
                stale,
                cut,
            },
        )
}

fn timed(gap: impl Strategy<Value = i64>, act: impl Strategy<Value = Act>) -> impl Strategy<Value = Timed> {
    (gap, act, fate(), 2 * SECOND..20 * SECOND, fate()).prop_map(|(gap_ms, act, fate, reset_after_ms, reset_fate)| {
        Timed {
            gap_ms,
            act,
            fate,
            reset_after_ms,
            reset_fate,
        }
    })
}

/// Anything that happens before the merge.
pub(super) fn before_merge() -> impl Strategy<Value = Timed> {
    let act = prop_oneof![
        8 => person().prop_map(Act::Approve),
        3 => person().prop_map(Act::Withdraw),
        1 => person().prop_map(Act::RequestChanges),
        1 => Just(Act::ResetSilently),
        3 => (person(), 0_u8..3).prop_map(|(by, patch)| Act::Push(by, patch)),
        1 => person().prop_map(Act::PushBack),
        3 => (person(), label()).prop_map(|(by, label)| Act::AddLabel(by, label)),
        3 => (person(), label()).prop_map(|(by, label)| Act::RemoveLabel(by, label)),
        1 => label().prop_map(Act::DeleteLabel),
        1 => label().prop_map(Act::RenameLabel),
        1 => person().prop_map(Act::Edit),
        1 => prop_oneof![1 => person().prop_map(Act::Close), 3 => person().prop_map(Act::Reopen)],
        1 => team().prop_map(Act::Join),
        2 => team().prop_map(Act::Leave),
    ];
    timed(gap(), act)
}

fn team() -> impl Strategy<Value = Person> {
    prop_oneof![Just(Person::Alice), Just(Person::Bob), Just(Person::Carol)]
}

/// An approval by the team.
pub(super) fn approval() -> impl Strategy<Value = Timed> {
    timed(
        gap(),
        prop_oneof![Just(Act::Approve(Person::Alice)), Just(Act::Approve(Person::Bob))],
    )
}

/// Something that may invalidate an approval.
pub(super) fn change() -> impl Strategy<Value = Timed> {
    let member = || prop_oneof![Just(Person::Alice), Just(Person::Bob)];
    let act = prop_oneof![
        3 => member().prop_map(Act::Withdraw),
        1 => member().prop_map(Act::RequestChanges),
        2 => (person(), 0_u8..2).prop_map(|(by, patch)| Act::Push(by, patch)),
        1 => member().prop_map(Act::Leave),
        2 => member().prop_map(Act::Approve),
    ];
    timed(gap(), act)
}

pub(super) fn merge() -> impl Strategy<Value = Timed> {
    timed(gap(), person().prop_map(Act::Merge))
}

/// Anything that happens after the merge.
pub(super) fn after_merge() -> impl Strategy<Value = Timed> {
    let act = prop_oneof![
        3 => person().prop_map(Act::Approve),
        1 => person().prop_map(Act::Withdraw),
        2 => (person(), label()).prop_map(|(by, label)| Act::AddLabel(by, label)),
        2 => (person(), label()).prop_map(|(by, label)| Act::RemoveLabel(by, label)),
        1 => label().prop_map(Act::DeleteLabel),
        1 => label().prop_map(Act::RenameLabel),
        2 => person().prop_map(Act::Edit),
        1 => team().prop_map(Act::Join),
        1 => team().prop_map(Act::Leave),
    ];
    timed(gap_after_merge(), act)
}
