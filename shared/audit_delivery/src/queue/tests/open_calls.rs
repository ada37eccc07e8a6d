//! Calls that a process did not complete: the next process reports them, once.

use super::support::{Double, PATIENCE, context, files, job_entry, open, write_entries};
use crate::queue::Until;
use audit::{Action, Target};

#[test]
fn call_without_entry_is_reported_after_restart() {
    let place = tempfile::tempdir().unwrap();
    let double = Double::new("http");
    let target = Target::other("slack_channel", "C0SECLEAD");
    let audit_queue = open(place.path(), &[&double]);
    let writer = audit_queue.writer();
    let ended = writer.announce_call(Action::SlackPostMessage, &context(), &target);
    let open_one = writer.announce_call(Action::GitlabGetMrDetails, &context(), &target);
    writer.write(&job_entry("done").completes(ended));
    // The segment with the announcement is removed; the announcement must not be.
    write_entries(&audit_queue, 1..=30);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    write_entries(&audit_queue, 31..=60);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    drop((audit_queue, writer));
    assert!(!files(place.path(), ".segment").contains(&"000000000001.segment".to_owned()));

    for _ in 0..3 {
        let audit_queue = open(place.path(), &[&double]);
        assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    }
    let lines = double.lines();
    assert_eq!(lines.len(), 62, "announcements are not delivered");
    let report = &lines[61];
    assert_eq!(report["action"], "audit.intent_open");
    assert_eq!(report["details"]["intent_id"], open_one.id().to_string());
    assert_eq!(report["details"]["call"], "gitlab.api.get_mr_details");
    assert_eq!(
        report["target"],
        serde_json::json!({"resource_type": "slack_channel", "id": "C0SECLEAD"})
    );
    assert_eq!(
        (&report["outcome"], &report["error"]),
        (&"failure".into(), &"timeout".into())
    );
    assert_eq!(report["correlation_id"], context().correlation_id.to_string());
}
