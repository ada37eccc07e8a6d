//! The queries of `infra/queries`, run by Athena on the stack's own lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::local_stack::{PATIENCE, eventually};
use serde_json::{Value, json};

use super::{Production, text_at};
use crate::template::document;

pub(super) async fn all_gitlab_calls_of_the_last_day(production: &Production, lines: &[Value]) {
    let expected: BTreeSet<_> = lines
        .iter()
        .filter(|line| line["event_type"] == "audit" && text_at(line, &["action"]).starts_with("gitlab.api."))
        .map(|line| text_at(line, &["id"]).to_owned())
        .collect();
    assert!(expected.len() > 10, "{}", expected.len());
    // The stream writes with a delay.
    eventually(PATIENCE, "all calls in Athena", async || {
        let rows = production.ask("gitlab_calls_24h", &[]).await.unwrap_or_default();
        let found: BTreeSet<_> = rows.iter().map(|row| row["id"].clone()).collect();
        assert!(found.is_subset(&expected));
        (found == expected && rows.len() == found.len()).then_some(())
    })
    .await;
}

pub(super) async fn all_lines_of_one_correlation_id(production: &Production, lines: &[Value]) {
    let of_first = lines
        .iter()
        .find(|line| line["action"] == "exception.record.insert")
        .unwrap();
    let id = text_at(of_first, &["correlation_id"]);
    let mut expected: Vec<_> = lines.iter().filter(|line| line["correlation_id"] == id).collect();
    expected.sort_by_key(|line| {
        (
            text_at(line, &["timestamp"]),
            text_at(line, &["id"]),
            std::cmp::Reverse(text_at(line, &["event_type"])),
        )
    });
    let expected: Vec<_> = expected.iter().map(|line| text_at(line, &["id"]).to_owned()).collect();
    let day = &text_at(of_first, &["timestamp"])[..10];
    let rows = eventually(PATIENCE, "the trace in Athena", async || {
        let rows = production
            .ask("one_correlation_id", &[id, day])
            .await
            .unwrap_or_default();
        (rows.len() >= expected.len()).then_some(rows)
    })
    .await;
    let found: Vec<_> = rows.iter().map(|row| row["id"].clone()).collect();
    assert_eq!(found, expected);
    let actions: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.get("action"))
        .map(String::as_str)
        .collect();
    for action in [
        "webhook.auth.verify",
        "sqs.api.send_message",
        "gitlab.api.get_mr_details",
        "ledger.record.upsert",
    ] {
        assert!(actions.contains(action), "{action} is missing in {actions:?}");
    }
    // The story of a command takes the entries of its id in the same way, without announcements.
    let rows = production.ask("command_to_push", &[id, day, day, id]).await.unwrap();
    let entries = lines
        .iter()
        .filter(|line| line["correlation_id"] == id && line["event_type"] == "audit");
    let expected: BTreeSet<_> = entries.map(|line| text_at(line, &["id"]).to_owned()).collect();
    let found: BTreeSet<_> = rows.iter().map(|row| row["id"].clone()).collect();
    assert_eq!((found, rows.len()), (expected.clone(), expected.len()));
}

pub(super) async fn exceptions_by_merger(production: &Production, lines: &[Value]) {
    let mut expected = BTreeSet::new();
    for line in lines.iter().filter(|line| line["action"] == "exception.record.insert") {
        let of = |name: &str| text_at(line, &["details", name]).to_owned();
        expected.insert((of("merged_by"), of("kind"), "1".to_owned()));
    }
    assert_eq!(expected.len(), 2, "each merged by another user: {expected:?}");
    let rows = production.ask("exceptions_by_merger", &[]).await.unwrap();
    let found: BTreeSet<_> = rows
        .iter()
        .map(|row| ["merged_by", "kind", "exceptions"].map(|name| row[name].clone()))
        .collect();
    assert_eq!(found, expected.into_iter().map(<[String; 3]>::from).collect());
}

pub(super) async fn every_call_by_outcome(production: &Production, lines: &[Value]) {
    let mut expected = BTreeMap::<String, (BTreeSet<&str>, BTreeSet<&str>)>::new();
    for line in lines.iter().filter(|line| line["event_type"] == "audit") {
        let (action, id) = (text_at(line, &["action"]), text_at(line, &["id"]));
        if action.contains(".api.") {
            let (calls, failures) = expected.entry(action.to_owned()).or_default();
            calls.insert(id);
            if line["outcome"] == "failure" {
                failures.insert(id);
            }
        }
    }
    assert!(expected.len() > 5, "{expected:?}");
    let rows = production.ask("outbound_calls_by_outcome", &[]).await.unwrap();
    let found: BTreeMap<_, _> = rows
        .iter()
        .map(|row| (row["action"].clone(), (row["calls"].clone(), row["failures"].clone())))
        .collect();
    let expected = expected.into_iter();
    let expected =
        expected.map(|(action, (calls, failures))| (action, (calls.len().to_string(), failures.len().to_string())));
    assert_eq!(found, expected.collect());
}

pub(super) async fn rules_in_use(production: &Production, lines: &[Value]) {
    let written: Vec<_> = lines
        .iter()
        .filter(|line| line["action"] == "ledger.record.upsert" && line["event_type"] == "audit")
        .collect();
    let hash = text_at(written[0], &["details", "rules_hash"]);
    assert!(!hash.is_empty());
    let rows = production.ask("security_policy_changes", &[]).await.unwrap();
    assert_eq!(rows.len(), 1, "one rules file was in use: {rows:?}");
    assert_eq!(
        (rows[0]["rules_hash"].as_str(), rows[0]["ledger_rows"].as_str()),
        (hash, written.len().to_string().as_str())
    );
}

/// The emulator's gateway writes no access log: two lines in the template's format.
pub(super) async fn requests_rejected_by_the_gateway(production: &Production) {
    let request = |id: &str, status: &str, error: &str| {
        let line = json!({
            "request_id": id, "timestamp": "12/Mar/2026:10:15:04 +0000", "time_ms": "1773310504000", "source_ip": "203.0.113.7",
            "method": "POST", "route": "POST /webhook", "status": status, "request_bytes": "20000", "response_bytes": "33",
            "latency_ms": "4", "error": error, "integration_error": "-",
        });
        line.to_string()
    };
    let format = document::template()["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["Format"].clone();
    let format: Value = serde_json::from_str(format.as_str().unwrap()).unwrap();
    let written: Value = serde_json::from_str(&request("a", "202", "-")).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&written), keys(&format));
    let lines = [request("a", "202", "-"), request("b", "429", "Too Many Requests")];
    production
        .stack
        .put_records(production.output("ApiStream"), &lines)
        .await;
    let refused = eventually(PATIENCE, "the refused request in Athena", async || {
        let rows = production.ask("refused_by_gateway", &[]).await.unwrap_or_default();
        (!rows.is_empty()).then_some(rows)
    })
    .await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (refused[0]["status"].as_str(), refused[0]["requests"].as_str()),
        ("429", "1")
    );
}
