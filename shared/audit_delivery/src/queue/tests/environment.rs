//! An audit log opened from the variables: destinations, `AUDIT_LOG_ENABLED=false`, and invalid values.

use std::sync::Arc;

use super::support::{PATIENCE, files, settings, write_entries};
use crate::queue::{AuditQueue, AuditQueueError, DestinationOptions, Health, Until};

fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let variables: Arc<[_]> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    move |name| {
        variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }
}

#[test]
fn file_from_environment_receives_the_entries() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("audit.ndjson");
    let variables = [
        ("AUDIT_LOG_DESTINATION", "file"),
        ("AUDIT_LOG_FILE_PATH", file.to_str().unwrap()),
    ];
    let settings = settings(&place.path().join("queue"), &[]);
    let audit_queue =
        AuditQueue::from_environment(lookup(&variables), settings, &DestinationOptions::default()).unwrap();
    write_entries(&audit_queue, 1..=3);
    assert!(audit_queue.flush(Until::Delivered, PATIENCE));
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 3);
}

#[test]
fn switched_off_it_writes_nothing_anywhere() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("audit.ndjson");
    let variables = [
        ("AUDIT_LOG_ENABLED", "false"),
        ("AUDIT_LOG_DESTINATION", "stdout,file"),
        ("AUDIT_LOG_FILE_PATH", file.to_str().unwrap()),
    ];
    let settings = settings(&place.path().join("queue"), &[]);
    let audit_queue =
        AuditQueue::from_environment(lookup(&variables), settings, &DestinationOptions::default()).unwrap();
    write_entries(&audit_queue, 1..=3);
    drop(audit_queue);
    assert_eq!(files(place.path(), ""), [] as [&str; 0]);
}

#[test]
fn defaults_to_stdout_and_reports_wrong_variables_together() {
    let place = tempfile::tempdir().unwrap();
    let open = |variables: &[(&str, &str)]| {
        AuditQueue::from_environment(
            lookup(variables),
            settings(place.path(), &[]),
            &DestinationOptions::default(),
        )
    };
    assert_eq!(open(&[]).unwrap().health(), Health::default());
    assert_eq!(files(place.path(), ""), [] as [&str; 0], "no queue is needed");
    let error = open(&[
        ("AUDIT_LOG_DESTINATION", "file,http"),
        ("AUDIT_LOG_HTTP_ENDPOINT", "ftp://x"),
    ])
    .unwrap_err();
    assert!(matches!(error, AuditQueueError::Settings(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("AUDIT_LOG_FILE_PATH") && text.contains("AUDIT_LOG_HTTP_ENDPOINT"),
        "{text}"
    );
}
