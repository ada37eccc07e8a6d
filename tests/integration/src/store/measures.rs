//! Review measures by reviewer, team, project, week and tier: the views by week and the figures of any period.

use doubles::postgres::{TestDatabase, config, connect, fresh_database};
use serde_json::Value;
use store::{StatisticsFilter, Store};
use tokio_postgres::Client;

use crate::program::countersign;

/// Six reviews in the week of 2 March 2026, one in its first microsecond; one in the last microsecond before it, one in the first
/// after it; one without a decision. Targets: unknown for 4 (its label's time is), not set for 5 and 6; 6 is declassified.
const REVIEWS: &str = "
    INSERT INTO security_review_ledger (id, instance, project_id, mr_iid, mr_id, project_path, title, web_url, reviewers,
        deciding_reviewer_id, deciding_reviewer_username, risk_tier, labels, decision, decided_at, labelled_at, approved_at,
        time_unknown_reason, sla_target, sla_elapsed, merged_at, proof, notes, rules_hash, revision, recorded_at, updated_at,
        correlation_id)
    SELECT gen_random_uuid(), 'main', 77, iid, 9000 + iid, path, 'Rotate the signing keys', 'https://gitlab.example.com', '[]',
        CASE WHEN reviewer IS NOT NULL THEN 501 END, reviewer, tier, '{}', decision, decided::timestamptz, labelled::timestamptz,
        approved::timestamptz,
        CASE WHEN labelled IS NULL THEN 'label_events_unreadable' WHEN approved IS NULL THEN 'no_valid_approval' END, target::interval,
        coalesce(approved, decided)::timestamptz - labelled::timestamptz,
        CASE WHEN decision LIKE 'merged%' THEN decided::timestamptz END, CASE WHEN approved IS NOT NULL THEN 'both' END, '{}',
        repeat('a', 64), 1, '2026-03-10T00:00:00Z', '2026-03-10T00:00:00Z', gen_random_uuid()
    FROM (VALUES
        (1, 'payments/gateway', 'sec-alice', 'high', 'merged', '2026-03-01T20:00:00Z', '2026-03-01T22:00:00Z',
            '2026-03-02T00:00:00Z', '4 hours'),
        (2, 'payments/ledger', 'sec-bruno', 'critical', 'merged', '2026-03-03T08:00:00Z', '2026-03-03T14:00:00Z',
            '2026-03-03T16:00:00Z', '4 hours'),
        (3, 'payments/gateway', NULL, 'high', 'merged_without_approval', '2026-03-04T08:00:00Z', NULL, '2026-03-04T18:00:00Z', '4 hours'),
        (4, 'platform/identity', 'sec-alice', 'high', 'merged', NULL, '2026-03-05T08:00:00Z', '2026-03-05T09:00:00Z', '4 hours'),
        (5, 'platform/identity', NULL, 'low', 'closed', '2026-03-06T08:00:00Z', NULL, '2026-03-06T10:00:00Z', NULL),
        (6, 'platform/identity', NULL, 'low', 'merged', '2026-03-08T19:59:59.999999Z', NULL, '2026-03-08T23:59:59.999999Z', NULL),
        (7, 'payments/gateway', 'sec-alice', 'high', 'merged', '2026-03-01T19:59:59.999999Z', '2026-03-01T20:59:59.999999Z',
            '2026-03-01T23:59:59.999999Z', '4 hours'),
        (8, 'payments/gateway', 'sec-alice', 'high', 'merged', '2026-03-08T00:00:00Z', '2026-03-08T12:00:00Z', '2026-03-09T00:00:00Z',
            '4 hours'),
        (9, 'payments/gateway', NULL, 'high', NULL, '2026-03-04T08:00:00Z', NULL, NULL, '4 hours')
    ) AS review (iid, path, reviewer, tier, decision, labelled, approved, decided, target)";

/// Columns of the function that the views also have.
const VOLUME: &str = "reviews, merged, closed";
const RATE: &str = "approved, without_approval, unverified, approval_rate_percent";
const TIMES: &str = "approval_p50, approval_p90, approval_p99, decision_p50, decision_p90, decision_p99";
const SLA: &str = "met, missed, unknown, adherence_percent";

async fn filled() -> (TestDatabase, Client) {
    let database = fresh_database().await;
    let owner = connect(&database.owner_url).await;
    owner.batch_execute(REVIEWS).await.unwrap();
    let auditor = connect(&database.auditor_url).await;
    (database, auditor)
}

/// Value and figures of each row: `-` for null, `unknown` as the reviewer if no reviewer decided.
async fn figures(auditor: &Client, from: &str, columns: &str) -> Vec<String> {
    let columns: Vec<_> = columns
        .split(", ")
        .map(|name| format!("coalesce({name}::text, '-')"))
        .collect();
    let sql = format!(
        "SELECT concat_ws(' ', coalesce(value, 'unknown'), {}) FROM {from} ORDER BY value COLLATE \"C\"",
        columns.join(", ")
    );
    let rows = auditor.query_typed(&sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The measure by each dimension in the week of 2 March 2026, from its view.
async fn assert_week(view: &str, columns: &str, expected: [(&str, &[&str]); 5]) {
    let (_database, auditor) = filled().await;
    for (dimension, rows) in expected {
        let from = format!("{view} WHERE dimension = '{dimension}' AND week >= '2026-03-02' AND week < '2026-03-09'");
        assert_eq!(figures(&auditor, &from, columns).await, rows, "{view} by {dimension}");
    }
}

#[tokio::test]
async fn volume_is_counted_by_each_dimension() {
    let expected: [(&str, &[&str]); 5] = [
        ("reviewer", &["sec-alice 2 2 0", "sec-bruno 1 1 0", "unknown 3 2 1"]),
        ("team", &["payments 3 3 0", "platform 3 2 1"]),
        (
            "project",
            &[
                "payments/gateway 2 2 0",
                "payments/ledger 1 1 0",
                "platform/identity 3 2 1",
            ],
        ),
        ("week", &["2026-03-02 6 5 1"]),
        ("tier", &["critical 1 1 0", "high 3 3 0", "low 2 1 1"]),
    ];
    assert_week("security_review_volume_by", VOLUME, expected).await;
}

/// The declassified merge and the closed merge request count in no rate.
#[tokio::test]
async fn approval_rate_is_computed_by_each_dimension() {
    let expected: [(&str, &[&str]); 5] = [
        (
            "reviewer",
            &[
                "sec-alice 2 2 0 0 100.0",
                "sec-bruno 1 1 0 0 100.0",
                "unknown 1 0 1 0 0.0",
            ],
        ),
        ("team", &["payments 3 2 1 0 66.7", "platform 1 1 0 0 100.0"]),
        (
            "project",
            &[
                "payments/gateway 2 1 1 0 50.0",
                "payments/ledger 1 1 0 0 100.0",
                "platform/identity 1 1 0 0 100.0",
            ],
        ),
        ("week", &["2026-03-02 4 3 1 0 75.0"]),
        ("tier", &["critical 1 1 0 0 100.0", "high 3 2 1 0 66.7"]),
    ];
    assert_week("security_review_approval_rate_by", &format!("merged, {RATE}"), expected).await;
}

#[tokio::test]
async fn percentiles_are_computed_by_each_dimension() {
    let expected: [(&str, &[&str]); 5] = [
        (
            "reviewer",
            &[
                "sec-alice 2 02:00:00 02:00:00 02:00:00 04:00:00 04:00:00 04:00:00",
                "sec-bruno 1 06:00:00 06:00:00 06:00:00 08:00:00 08:00:00 08:00:00",
                "unknown 3 - - - 04:00:00 08:48:00 09:52:48",
            ],
        ),
        (
            "team",
            &[
                "payments 3 04:00:00 05:36:00 05:57:36 08:00:00 09:36:00 09:57:36",
                "platform 3 - - - 03:00:00 03:48:00 03:58:48",
            ],
        ),
        (
            "project",
            &[
                "payments/gateway 2 02:00:00 02:00:00 02:00:00 07:00:00 09:24:00 09:56:24",
                "payments/ledger 1 06:00:00 06:00:00 06:00:00 08:00:00 08:00:00 08:00:00",
                "platform/identity 3 - - - 03:00:00 03:48:00 03:58:48",
            ],
        ),
        (
            "week",
            &["2026-03-02 6 04:00:00 05:36:00 05:57:36 04:00:00 09:12:00 09:55:12"],
        ),
        (
            "tier",
            &[
                "critical 1 06:00:00 06:00:00 06:00:00 08:00:00 08:00:00 08:00:00",
                "high 3 02:00:00 02:00:00 02:00:00 07:00:00 09:24:00 09:56:24",
                "low 2 - - - 03:00:00 03:48:00 03:58:48",
            ],
        ),
    ];
    assert_week("security_review_times_by", &format!("reviews, {TIMES}"), expected).await;
}

/// Reviews without a target are not counted; a target with an unknown time is unknown.
#[tokio::test]
async fn sla_adherence_is_computed_by_each_dimension() {
    let expected: [(&str, &[&str]); 5] = [
        (
            "reviewer",
            &["sec-alice 1 0 1 100.0", "sec-bruno 0 1 0 0.0", "unknown 0 1 0 0.0"],
        ),
        ("team", &["payments 1 2 0 33.3", "platform 0 0 1 -"]),
        (
            "project",
            &[
                "payments/gateway 1 1 0 50.0",
                "payments/ledger 0 1 0 0.0",
                "platform/identity 0 0 1 -",
            ],
        ),
        ("week", &["2026-03-02 1 2 1 33.3"]),
        ("tier", &["critical 0 1 0 0.0", "high 1 1 1 50.0"]),
    ];
    assert_week("security_review_sla_by", SLA, expected).await;
}

/// Percentiles of the period are those of its reviews, not of its weeks.
#[tokio::test]
async fn measures_of_a_period_end_before_its_end() {
    let (_database, auditor) = filled().await;
    let columns = format!("{VOLUME}, {RATE}, {TIMES}, sla_met, sla_missed, sla_unknown, sla_adherence_percent");
    let week = "security_review_measures('2026-03-02', '2026-03-09', 'team')";
    let payments = "payments 3 3 0 2 1 0 66.7 04:00:00 05:36:00 05:57:36 08:00:00 09:36:00 09:57:36 1 2 0 33.3";
    let platform = "platform 3 2 1 1 0 0 100.0 - - - 03:00:00 03:48:00 03:58:48 0 0 1 -";
    assert_eq!(figures(&auditor, week, &columns).await, [payments, platform]);
    let longer = "security_review_measures(since => '2026-03-01', before => '2026-03-10', by => 'reviewer')";
    let alice = "sec-alice 4 4 0 4 0 0 100.0 02:00:00 10:00:00 11:48:00 04:00:00 20:00:00 23:36:00 2 1 1 66.7";
    assert_eq!(figures(&auditor, longer, &columns).await[0], alice);
    let days = "security_review_measures('2026-03-01', '2026-03-02', 'project')";
    assert_eq!(figures(&auditor, days, VOLUME).await, ["payments/gateway 1 1 0"]);
    let weeks = "security_review_measures('-infinity', 'infinity', 'week')";
    let expected = ["2026-02-23 1 1 0", "2026-03-02 6 5 1", "2026-03-09 1 1 0"];
    assert_eq!(figures(&auditor, weeks, VOLUME).await, expected);
}

#[tokio::test]
async fn a_misspelled_dimension_is_refused() {
    let (_database, auditor) = filled().await;
    for from in [
        "security_review_volume_by WHERE dimension = 'reviewr'",
        "security_review_measures('2026-03-02', '2026-03-09', 'reviewr')",
    ] {
        let error = auditor
            .query_typed(&format!("SELECT value FROM {from}"), &[])
            .await
            .unwrap_err();
        assert_eq!(error.code().unwrap().code(), "22P02", "{from}");
    }
}

#[tokio::test]
async fn the_command_shows_figures_by_one_dimension() {
    let (database, _auditor) = filled().await;
    let store = Store::new(config(&database.auditor_url)).unwrap();
    let filter = StatisticsFilter {
        project: Some("payments/".to_owned()),
        since: Some("2026-03-02T00:00:00Z".parse().unwrap()),
        until: Some("2026-03-09T00:00:00Z".parse().unwrap()),
    };
    let rows = store.statistics_by("reviewer", &filter).await.unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, [Value::from("sec-alice"), "sec-bruno".into(), Value::Null]);
    let printed = |words: &[&str]| countersign(&database.auditor_url, words);
    let csv = printed(&["stats", "--by", "week", "--format", "csv"]);
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert!(csv.contains("week,2026-03-02,approval_rate_percent,75.0"), "{csv}");
    let table = printed(&["stats", "--by", "team"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("By team") && table.contains("payments"), "{table}");
    assert!(!table.contains("Exceptions"), "{table}");
    assert_eq!(printed(&["stats", "--by", "reviewr"]).status.code(), Some(2));
}
