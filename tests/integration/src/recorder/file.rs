//! The file: complete after a full disk, a read-only one, and a change of environments.

use std::os::unix::fs::symlink;
use std::path::Path;

use jiff::SignedDuration;
use recorder::TurnEnd;
use serde_json::Value;

use super::completeness::compare;
use super::producer::{Producer, log};
use crate::env::TestEnv;

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "no torn line");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn unwritable_disk_loses_nothing_and_blocks_no_destination() {
    let env = TestEnv::with_recorder().await;
    let folder = tempfile::tempdir().unwrap();
    let (place, real) = (folder.path().join("place"), folder.path().join("real"));
    std::fs::create_dir(&real).unwrap();
    let path = place.join("audit.log");
    let more = [
        ("AUDIT_LOG_DESTINATION", "file,http"),
        ("AUDIT_LOG_FILE_PATH", path.to_str().unwrap()),
    ];
    let recorder = env.recorder_with(&more);
    let producer = Producer::new(&env.clock);
    // A folder in which not even root may create a file; a missing one; one whose file is always full.
    for target in [Some("/proc/self"), None, Some("full")] {
        match target {
            Some("full") => {
                std::fs::create_dir(&place).unwrap();
                symlink("/dev/full", &path).unwrap();
            }
            Some(folder) => symlink(folder, &place).unwrap(),
            None => (),
        }
        let from = producer.lines().len();
        recorder.take(log(&producer.print(20).lines()[from..])).await;
        let turns = recorder.minute().await.destinations;
        assert_eq!(turns["file"].end, TurnEnd::Failed, "{target:?}");
        assert_eq!(turns["http"].end, TurnEnd::Done, "{target:?}");
        assert!(recorder.measured("audit_log_sink_errors_total").contains(&1));
        env.clock.pass(SignedDuration::from_mins(6));
        match target {
            Some("full") => std::fs::remove_dir_all(&place).unwrap(),
            Some(_) => std::fs::remove_file(&place).unwrap(),
            None => (),
        }
    }
    symlink(&real, &place).unwrap();
    assert_eq!(recorder.minute().await.destinations["file"].end, TurnEnd::Done);
    assert_eq!(compare(&[&producer], &lines(&path)), Ok(()));
    env.complete(&[&producer]).await;
}

#[tokio::test]
async fn two_environments_share_a_rotated_file_without_loss() {
    let env = TestEnv::with_recorder().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let more = [
        ("AUDIT_LOG_DESTINATION", "file"),
        ("AUDIT_LOG_FILE_PATH", path.to_str().unwrap()),
    ];
    let recorders = [env.recorder_with(&more), env.recorder_with(&more)];
    let producer = Producer::new(&env.clock);
    for number in 0..6 {
        let from = producer.lines().len();
        recorders[number % 2]
            .take(log(&producer.print(10).lines()[from..]))
            .await;
        // Both live, as frozen environments do: neither blocks the other's access to the file.
        let end = recorders[number % 2].minute().await.destinations["file"].end;
        assert_eq!(end, TurnEnd::Done, "{number}");
        if number == 3 {
            std::fs::rename(&path, folder.path().join("audit.log.1")).unwrap();
        }
    }
    let mut all = lines(&folder.path().join("audit.log.1"));
    all.extend(lines(&path));
    assert_eq!(compare(&[&producer], &all), Ok(()));
    assert_eq!(
        all.iter().filter(|line| line["service"] == "webhook").count(),
        60,
        "each once"
    );
}
