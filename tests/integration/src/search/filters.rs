//! Filters, alone and combined: exactly the matching entries, in order, complete, for any page length.

use std::collections::BTreeSet;

use audit::{ActorType, FailureClass};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use store::{AuditActor, AuditFilter, AuditOrder, AuditOutcome, AuditTarget, Store};
use uuid::Uuid;

use super::plain::passing;
use super::stored_log::{LONG_AGO, StoredLog, at, delivery, sample_entry, sent_id, trace};

const ORDERS: [AuditOrder; 2] = [AuditOrder::NewestFirst, AuditOrder::OldestFirst];
/// A first page for a person, and one for a file; each in one order.
const PAGES: [u32; 2] = [50, 1_000];
/// Maximum number of pages, so that a search for everything ends: pages are longer then.
const MOST_PAGES: usize = 12;

const ACTIONS: [&str; 13] = [
    "",
    "g",
    "gitlab.api",
    "gitlab.api.",
    "gitlab.api.get_mr_details",
    "gitlab.api.get_mr_details.more",
    "gitlab.apiary",
    "jira.",
    "jira.api.get_issue",
    "slack.",
    "audit.gap",
    "zulip.",
    "gitlab.api.%",
];

const TARGETS: [&str; 22] = [
    "",
    "merge_request:",
    "merge_request:main/7301!",
    "merge_request:main/7301",
    "merge_request:main/73",
    "merge_request:7301!",
    "main/7301!",
    "main/7301!5",
    "main/73010!5",
    "eu/west/7301!6",
    "eu/west/7301!",
    "7301!",
    "7301!5",
    "main/500!",
    "500!19",
    "us/7301!5",
    "slack_channel:C0SECLEAD",
    "secret:",
    "queue:50%",
    "queue:50%_off\\'; --",
    "queue:50",
    "queue:50 times or more",
];

/// Every single filter, and the combinations with their own search strategy.
fn singles() -> Vec<AuditFilter> {
    let none = AuditFilter::default;
    let mut filters = vec![none()];
    filters.extend(ACTIONS.map(|action| AuditFilter {
        action: Some(action.to_owned()),
        ..none()
    }));
    filters.extend(TARGETS.map(|target| AuditFilter {
        target: Some(AuditTarget::from(target)),
        ..none()
    }));
    for (since, until) in [
        ("2026-02-03T00:00:00Z", "2026-02-03T06:00:00Z"),
        ("2025-12-31T23:00:00Z", "2026-02-01T01:00:00Z"),
    ] {
        filters.push(AuditFilter {
            since: Some(at(since)),
            until: Some(at(until)),
            ..none()
        });
    }
    let actors = [ActorType::WebhookEvent, ActorType::PollCycle, ActorType::AdminAction].map(AuditActor::Type);
    filters.extend(
        actors
            .into_iter()
            .chain([AuditActor::Id(delivery(13_000))])
            .map(|actor| AuditFilter {
                actor: Some(actor),
                ..none()
            }),
    );
    filters.extend(outcomes().map(|outcome| AuditFilter {
        outcome: Some(outcome),
        ..none()
    }));
    filters.extend([13_000, LONG_AGO + 5_000].map(|number| AuditFilter {
        correlation_id: Some(delivery(number)),
        ..none()
    }));
    filters.push(AuditFilter {
        trace_id: Some(trace(12_001)),
        ..none()
    });
    filters.extend(["agent", "tests", "nobody"].map(|service| AuditFilter {
        service: Some(service.to_owned()),
        ..none()
    }));
    let entry = sample_entry(13_010);
    filters.extend(
        [entry.id, sent_id(13_010, entry.timestamp), Uuid::nil()].map(|id| AuditFilter {
            entry_id: Some(id),
            ..none()
        }),
    );
    filters
}

fn outcomes() -> [AuditOutcome; 5] {
    [
        AuditOutcome::Success,
        AuditOutcome::Failure,
        AuditOutcome::Class(FailureClass::RateLimit),
        AuditOutcome::Class(FailureClass::Conflict),
        AuditOutcome::Class(FailureClass::NotFound),
    ]
}

/// Any combination of filters; larger ones are rarer.
fn any_filter() -> impl Strategy<Value = AuditFilter> {
    let actor = prop_oneof![
        select(vec![
            ActorType::WebhookEvent,
            ActorType::PollCycle,
            ActorType::AdminAction
        ])
        .prop_map(AuditActor::Type),
        (0..24_000_u64).prop_map(|number| AuditActor::Id(delivery(number))),
    ];
    let second = at("2025-11-01T00:00:00Z").as_second()..at("2026-03-05T00:00:00Z").as_second();
    let instant = second.prop_map(|second| jiff::Timestamp::from_second(second).unwrap());
    (
        proptest::option::weighted(0.25, actor),
        proptest::option::weighted(0.5, select(ACTIONS.to_vec())),
        proptest::option::weighted(0.5, select(TARGETS.to_vec())),
        proptest::option::weighted(0.3, instant.clone()),
        proptest::option::weighted(0.3, instant),
        proptest::option::weighted(0.3, select(outcomes().to_vec())),
        proptest::option::weighted(0.05, 0..24_000_u64),
        proptest::option::weighted(0.05, 0..24_000_u64),
        proptest::option::weighted(0.2, select(vec!["agent", "tests"])),
    )
        .prop_map(
            |(actor, action, target, since, until, outcome, correlation, traced, service)| AuditFilter {
                actor,
                action: action.map(str::to_owned),
                target: target.map(AuditTarget::from),
                since,
                until,
                outcome,
                correlation_id: correlation.map(delivery),
                trace_id: traced.map(trace),
                service: service.map(str::to_owned),
                entry_id: None,
            },
        )
}

/// All pages in sequence.
async fn found(store: &Store, filter: &AuditFilter, order: AuditOrder, page: u32) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = Vec::new();
    loop {
        let rows = store
            .search_audit(filter, ids.last().copied(), order, page)
            .await
            .unwrap();
        ids.extend(rows.iter().map(|row| row.id));
        if rows.len() < page as usize {
            return ids;
        }
    }
}

/// Compares the search with the plain result; returns the number of matches.
async fn finds_what_passes(log: &StoredLog, store: &Store, filter: &AuditFilter) -> usize {
    let mut most = 0;
    for (order, page) in ORDERS.into_iter().zip(PAGES) {
        let expected = passing(&log.entries, filter, order);
        most = expected.len();
        let page = page.max(u32::try_from(expected.len() / MOST_PAGES).unwrap());
        let found = found(store, filter, order, page).await;
        assert!(
            found == expected,
            "{filter:?}, {order:?}, pages of {page}: found {} of {}",
            found.len(),
            expected.len()
        );
    }
    most
}

#[tokio::test]
async fn each_filter_and_every_plan_finds_matching_entries() {
    let log = StoredLog::stored().await;
    let store = log.database.store();
    let (mut nothing, mut ways) = (Vec::new(), BTreeSet::new());
    for filter in singles() {
        if finds_what_passes(&log, &store, &filter).await == 0 {
            nothing.push(filter.clone());
        }
        for order in ORDERS {
            let plans = store.explain_audit_search(&filter, order, PAGES[0]).await.unwrap();
            ways.extend(plans.iter().map(|plan| plan.step));
        }
    }
    assert_eq!(nothing.len(), 8, "{nothing:#?}");
    let every = [
        "in order",
        "scan of the next",
        "first and last",
        "all matches",
        "one month",
        "one month by action",
        "instances",
        "the entries",
    ];
    assert_eq!(ways, BTreeSet::from(every));
}

#[test]
fn combined_filters_find_exactly_the_matching_entries() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let log = runtime.block_on(StoredLog::stored());
    let store = log.database.store();
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&any_filter(), |filter| {
        runtime.block_on(finds_what_passes(&log, &store, &filter));
        Ok(())
    });
    result.unwrap();
}

/// The control: detects an entry lost on the way into the database, and one inserted by another writer.
#[tokio::test]
async fn comparison_detects_missing_and_extra_entries() {
    let mut log = StoredLog::of(13_000..13_200).await;
    let store = log.database.store();
    let slack = AuditFilter {
        action: Some("slack.".to_owned()),
        ..AuditFilter::default()
    };
    let order = AuditOrder::OldestFirst;
    let found = found(&store, &slack, order, PAGES[0]).await;
    assert_eq!(found, passing(&log.entries, &slack, order));
    let one = log.entries.iter().position(|entry| entry.id == found[0]).unwrap();
    let entry = log.entries.remove(one);
    assert_ne!(found, passing(&log.entries, &slack, order));
    log.entries.extend([entry.clone(), entry]);
    assert_ne!(found, passing(&log.entries, &slack, order));
}
