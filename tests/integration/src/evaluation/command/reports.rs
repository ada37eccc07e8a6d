//! Lists, figures, views and explanations of reviews.

use serde_json::Value;

use super::four_reviews;

#[tokio::test]
async fn the_ledger_is_listed_by_each_filter() {
    let env = four_reviews().await;
    let iids = |words: &[&str]| {
        let mut iids: Vec<_> = env
            .json_rows(words)
            .iter()
            .map(|row| row["mr_iid"].as_i64().unwrap())
            .collect();
        iids.sort_unstable();
        iids
    };
    // 1. Each filter.
    let cases: [(&[&str], &[i64]); 9] = [
        (&["ledger"], &[1, 2, 3, 4]),
        (&["ledger", "--decision", "merged"], &[1, 3]),
        (&["ledger", "--decision", "open"], &[4]),
        (&["ledger", "--tier", "critical"], &[3]),
        (&["ledger", "--reviewer", "sec-alice"], &[1, 3]),
        (&["ledger", "--project", "78"], &[4]),
        (&["ledger", "--project", "group/project-7"], &[1, 2, 3, 4]),
        (
            &["ledger", "--since", "2026-03-02", "--until", "2026-03-02"],
            &[1, 2, 3],
        ),
        (&["exceptions", "--kind", "no_approval"], &[2]),
    ];
    for (words, expected) in cases {
        assert_eq!(iids(words), expected, "{words:?}");
    }
    // 2. Service level, exit codes and formats.
    let row = &env.json_rows(&["ledger", "--tier", "critical"])[0];
    assert_eq!(
        (&row["sla_met"], &row["sla_elapsed"], &row["time_to_approval"]),
        (&Value::from(false), &"03:00:00".into(), &"03:00:00".into())
    );
    for (words, code) in [
        (vec!["ledger", "--tier", "low"], 1),
        (vec!["ledger", "--decision", "maybe"], 2),
        (vec!["exceptions", "--status", "gone"], 2),
        (vec!["exceptions", "--since", "1h", "--until", "2h"], 2),
    ] {
        assert_eq!(env.countersign(&words).status.code(), Some(code), "{words:?}");
    }
    let table = env.stdout_of(&["ledger"]);
    assert!(
        table.contains("merged_without_approval") && table.contains("missed"),
        "{table}"
    );
    let csv = env.stdout_of(&["ledger", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 5, "{csv}");
}

#[tokio::test]
async fn stats_match_the_reviews() {
    let env = four_reviews().await;
    let figures: Value = serde_json::from_str(&env.stdout_of(&["stats", "--format", "json"])).unwrap();
    let high = figures["tiers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["tier"] == "high")
        .unwrap();
    assert_eq!(
        (&high["reviews"], &high["approved"], &high["without_approval"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(high["approval_rate_percent"].as_f64(), Some(50.0));
    assert_eq!(
        (high["approval_p50_s"].as_f64(), high["decision_p50_s"].as_f64()),
        (Some(7200.0), Some(14400.0))
    );
    assert_eq!(
        high["sla_adherence_percent"].as_f64(),
        Some(100.0),
        "two and four hours meet a target of four"
    );
    assert_eq!(figures["reviewers"][0]["reviewer"], "sec-alice");
    assert_eq!(figures["reviewers"][0]["sla_missed"], 1);
    assert_eq!(figures["exceptions"][0]["kind"], "no_approval");
    assert_eq!(figures["open"][0]["open"], 1);
    let csv = env.stdout_of(&["stats", "--format", "csv"]);
    assert!(csv.contains("tiers,high,approval_rate_percent,50.0"), "{csv}");
    assert!(csv.contains("exceptions,no_approval,exceptions,1"), "{csv}");
    let text = env.stdout_of(&["stats"]);
    assert!(
        text.contains("By tier") && text.contains("50.0 %") && text.contains("4 h 0 min"),
        "{text}"
    );
    assert_eq!(
        env.countersign(&["stats", "--project", "nowhere/"]).status.code(),
        Some(1)
    );
}

#[tokio::test]
async fn every_view_answers() {
    let env = four_reviews().await;
    let store = store::Store::new(doubles::postgres::config(&env.database().auditor_url)).unwrap();
    for (view, rows) in [
        ("security_review_volume", 2),
        ("security_review_approval_rate", 2),
        ("security_review_times", 2),
        ("security_review_sla", 3),
        ("security_review_open", 1),
        ("security_review_exception_counts", 1),
    ] {
        let found = store.view(view).await.unwrap();
        assert_eq!(found.len(), rows, "{view}: {found:#?}");
    }
    let times = store.view("security_review_times").await.unwrap();
    let critical = times.iter().find(|row| row["risk_tier"] == "critical").unwrap();
    assert_eq!(
        (&critical["approval_p50"], &critical["decision_p99"]),
        (&"03:00:00".into(), &"04:00:00".into())
    );
}

#[tokio::test]
async fn explain_shows_rule_checks_and_source_differences() {
    let env = four_reviews().await;
    let approved = env.stdout_of(&["explain", "77!1"]);
    for line in [
        "decision       merged",
        "reviewer       sec-alice",
        "counts",
        "ok the approver belongs to the security team",
        "shown by both sources",
        "superseded",
    ] {
        assert!(approved.contains(line), "{line:?} in {approved}");
    }
    let exception = env.stdout_of(&["explain", "main/77!2"]);
    for line in [
        "no valid approval: no_approval",
        "slack_exception_alert",
        "approvals      0 valid of 0, 1 needed",
    ] {
        assert!(exception.contains(line), "{line:?} in {exception}");
    }
    let late = env.stdout_of(&["explain", "group/project-77!3"]);
    assert!(late.contains("no event reported it"), "{late}");
    let document: Value = serde_json::from_str(&env.stdout_of(&["explain", "77!1", "--format", "json"])).unwrap();
    assert_eq!(document["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(document["decisions"][1]["explanation"]["approvals"][0]["valid"], true);
    assert_eq!(env.countersign(&["explain", "77!99"]).status.code(), Some(1));
    assert_eq!(env.countersign(&["explain", "77"]).status.code(), Some(2));
}
