//! Random lives. Shrinking drops acts, failures and delays first.

mod acts;
mod faults;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::clock::{DAY, HOUR, MINUTE};
use crate::people::Person;
use crate::setting::{Label, MergeTime, Profile, Setting, Version};
use crate::{Life, gitlab::Timed};

/// Any life.
pub fn life() -> impl Strategy<Value = Life> {
    let before = proptest::collection::vec(acts::before_merge(), 0..9);
    let review = proptest::option::weighted(0.5, acts::approval());
    let late = proptest::option::weighted(0.3, acts::change());
    let merge = proptest::option::weighted(0.97, acts::merge());
    let after = proptest::collection::vec(acts::after_merge(), 0..4);
    let followed = prop_oneof![1 => Just(4 * MINUTE), 8 => Just(HOUR), 6 => Just(3 * DAY), 2 => Just(40 * DAY)];
    (
        setting(),
        acts::fate(),
        (before, (review, late), merge, after),
        faults::faults(),
        faults::lags(),
        followed,
    )
        .prop_map(
            |(setting, opening, (before, (review, late), merge, after), faults, lags, followed_ms)| {
                let acts = before.into_iter().chain(review).chain(late);
                let acts: Vec<Timed> = acts.chain(merge).chain(after).collect();
                Life {
                    setting,
                    opening,
                    acts,
                    faults,
                    lags,
                    followed_ms,
                }
            },
        )
}

/// The source of random lives for a seed.
#[must_use]
pub fn runner(seed: u8) -> TestRunner {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    TestRunner::new_with_rng(Config::default(), rng)
}

/// The first lives of a seed.
#[must_use]
#[expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "the strategy rejects nothing"
)]
pub fn lives(seed: u8, count: usize) -> Vec<Life> {
    let (mut runner, strategy) = (runner(seed), life());
    let mut life = || strategy.new_tree(&mut runner).expect("a life").current();
    (0..count).map(|_| life()).collect()
}

/// A life in which GitLab answers fully and without lag.
pub fn healthy_life() -> impl Strategy<Value = Life> {
    life().prop_map(|life| Life {
        faults: Vec::new(),
        lags: Vec::new(),
        ..life
    })
}

fn setting() -> impl Strategy<Value = Setting> {
    let version = prop_oneof![
        6 => Just(Version(19, 1)),
        3 => Just(Version(18, 6)),
        2 => Just(Version(17, 0)),
        1 => Just(Version(15, 2)),
        1 => Just(Version(13, 4)),
    ];
    let profile = prop_oneof![
        6 => Just(Profile::Plain),
        2 => Just(Profile::Two),
        2 => Just(Profile::NoCommitters),
        1 => Just(Profile::WithListed),
        1 => Just(Profile::WithRule),
    ];
    let offset = prop_oneof![5 => Just(0), 1 => Just(1_500), 1 => Just(-1_500), 1 => Just(7_200), 1 => Just(-7_200)];
    let owner = prop_oneof![5 => Just(None), 1 => Just(Some(Person::Bob))];
    let more = proptest::collection::btree_set(
        prop_oneof![
            Just(Person::Author),
            Just(Person::Carol),
            Just(Person::Token),
            Just(Person::Robot)
        ],
        0..3,
    );
    let labels = proptest::collection::btree_set(acts::label(), 0..4);
    let merge_time = prop_oneof![
        14 => Just(MergeTime::Shown),
        1 => (1_i64..40 * 60_000).prop_map(MergeTime::HiddenFor),
        1 => Just(MergeTime::Hidden),
    ];
    (version, profile, offset, any::<bool>(), owner, more, labels, merge_time).prop_map(
        |(version, profile, clock_offset_ms, resets_on_push, code_owner, more, labels, merge_time)| Setting {
            version,
            profile,
            clock_offset_ms,
            resets_on_push,
            code_owner,
            team: [Person::Alice, Person::Bob].into_iter().chain(more).collect(),
            labels: one_of_scope(labels),
            merge_time,
        },
    )
}

/// GitLab allows one label of a scope.
fn one_of_scope(mut labels: BTreeSet<Label>) -> BTreeSet<Label> {
    if labels.contains(&Label::High) {
        labels.remove(&Label::Low);
    }
    labels
}
