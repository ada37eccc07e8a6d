//! Random API failures and lagging replicas.

use proptest::prelude::*;

use crate::api::{Endpoint, Failure, Fault, Lag};
use crate::clock::{DAY, HOUR, MINUTE, SECOND};

fn endpoint() -> impl Strategy<Value = Option<Endpoint>> {
    prop_oneof![1 => Just(None), 4 => proptest::sample::select(Endpoint::ALL.to_vec()).prop_map(Some)]
}

/// Begins before or around the merge.
fn start() -> impl Strategy<Value = i64> {
    prop_oneof![3 => -2 * MINUTE..MINUTE, 1 => -5 * HOUR..0, 1 => 0..20 * MINUTE]
}

pub(super) fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let lasts = prop_oneof![
        3 => SECOND..3 * MINUTE,
        3 => 3 * MINUTE..2 * HOUR,
        2 => 2 * HOUR..3 * DAY,
        1 => Just(4_000 * DAY),
    ];
    let failure = prop_oneof![
        3 => Just(Failure::Unavailable),
        2 => Just(Failure::Forbidden),
        1 => Just(Failure::NotFound),
    ];
    let fault = (endpoint(), start(), lasts, failure).prop_map(|(endpoint, from, lasts, failure)| Fault {
        endpoint,
        from,
        to: from + lasts,
        failure,
    });
    prop_oneof![3 => Just(Vec::new()), 2 => proptest::collection::vec(fault, 1..4)]
}

/// Seconds behind, for minutes or forever.
pub(super) fn lags() -> impl Strategy<Value = Vec<Lag>> {
    let lasts = prop_oneof![3 => SECOND..3 * MINUTE, 1 => Just(4_000 * DAY)];
    let lag = (endpoint(), start(), lasts, 200..50 * SECOND).prop_map(|(endpoint, from, lasts, by_ms)| Lag {
        endpoint,
        from,
        to: from + lasts,
        by_ms,
    });
    // A replica stuck for hours hides the merge.
    let stuck = (0..2 * MINUTE, HOUR..3 * HOUR).prop_map(|(from, by_ms)| {
        let endpoint = Some(Endpoint::MergeRequest);
        vec![Lag {
            endpoint,
            from: from - by_ms,
            to: from + by_ms,
            by_ms: 2 * by_ms,
        }]
    });
    prop_oneof![
        60 => Just(Vec::new()),
        20 => proptest::collection::vec(lag, 1..4),
        20 => approvals_behind(),
        1 => stuck,
    ]
}

/// Only approvals lag around the merge: a revocation contradicts them.
fn approvals_behind() -> impl Strategy<Value = Vec<Lag>> {
    (10 * SECOND..2 * MINUTE, SECOND..50 * SECOND).prop_map(|(lasts, by_ms)| {
        vec![Lag {
            endpoint: Some(Endpoint::Approvals),
            from: -MINUTE,
            to: lasts,
            by_ms,
        }]
    })
}
