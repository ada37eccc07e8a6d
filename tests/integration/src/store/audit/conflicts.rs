//! A known id with another content is quarantined, never taken for a duplicate.

use doubles::postgres::{connect, fresh_database};
use serde_json::Value;
use store::AuditBatch;

use super::sample::{ALL, SOURCE, at, batch, changed, ids, line, number, order, record, release, stream_entry};

/// The entry `1/1`, with a change.
fn same_id(seq: u64, change: impl FnOnce(&mut Value)) -> audit::line_schema::ParsedEntry {
    changed(at(0), "1/1", Some(line(1, seq)), change)
}

#[tokio::test]
async fn known_id_with_other_content_is_quarantined() {
    let database = fresh_database().await;
    let (store, client) = (database.store(), connect(&database.auditor_url).await);
    let first = stream_entry(1, 1);
    record(&store, vec![first.clone()], at(1)).await;
    let conflicts = || {
        vec![
            same_id(2, |value| value["action"] = "gitlab.api.push_branch".into()),
            same_id(3, |value| value["target"]["mr_iid"] = 812.into()),
            same_id(4, |value| value["service"] = "other".into()),
            same_id(5, |value| value["details"]["status"] = 500.into()),
        ]
    };
    for repeated in [false, true] {
        let report = record(&store, conflicts(), at(2)).await;
        let quarantined = if repeated { 0 } else { 3 };
        assert_eq!(
            (report.new.len(), report.duplicates, report.quarantined),
            (0, 1, quarantined)
        );
    }
    let reasons = "SELECT count(*) FROM quarantined_audit_lines WHERE starts_with(reason, 'id_conflict')";
    assert_eq!(number(&client, reasons).await, 3);
    let released = release(&store, at(3), ALL).await;
    assert_eq!((released.lines, released.waiting), (5, 0), "their numbers have arrived");
    assert_eq!(order(&client).await, ids(&[first]));
}

#[tokio::test]
async fn conflict_within_one_batch_is_quarantined() {
    let database = fresh_database().await;
    let store = database.store();
    let other = same_id(2, |value| value["action"] = "gitlab.api.push_branch".into());
    let report = record(&store, vec![stream_entry(1, 1), other], at(1)).await;
    assert_eq!((report.new.len(), report.duplicates, report.quarantined), (1, 0, 1));
}

/// Processor and maintenance report the same decision under the same id.
#[tokio::test]
async fn another_source_may_repeat_an_entry() {
    let database = fresh_database().await;
    let store = database.store();
    record(&store, vec![stream_entry(1, 1)], at(1)).await;
    let other = same_id(2, |value| value["service"] = "maintenance".into());
    let batch = AuditBatch {
        source: format!("{SOURCE}/other"),
        ..batch(vec![other])
    };
    let report = store.record_audit_batch(&batch, at(2)).await.unwrap();
    assert_eq!((report.duplicates, report.quarantined), (1, 0));
}
