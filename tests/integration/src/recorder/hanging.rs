//! A destination that reads and never answers delays only itself.

use std::io::Read as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use recorder::TurnEnd;

use super::completeness::compare;
use super::producer::Producer;
use crate::env::TestEnv;

/// The entries in a stream of octet-counted syslog messages.
fn entries(mut stream: &[u8]) -> Vec<serde_json::Value> {
    let mut entries = Vec::new();
    while let Some(space) = stream.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&stream[..space]).unwrap().parse().unwrap();
        let message = std::str::from_utf8(&stream[space + 1..space + 1 + length]).unwrap();
        entries.push(serde_json::from_str(&message[message.find('{').unwrap()..]).unwrap());
        stream = &stream[space + 1 + length..];
    }
    entries
}

#[tokio::test]
async fn hanging_syslog_delays_no_other_destination() {
    let env = TestEnv::with_recorder().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let recorder = env.recorder_with(&[
        ("AUDIT_LOG_DESTINATION", "file,syslog,http"),
        ("AUDIT_LOG_FILE_PATH", path.to_str().unwrap()),
        ("AUDIT_LOG_SYSLOG_ADDRESS", &address),
    ]);
    let producer = Producer::new(&env.clock);
    recorder.take(producer.print(40).log()).await;
    let began = Instant::now();
    // The listener never accepts: the connection stays in the backlog, and nothing is ever read or closed.
    let event = serde_json::json!({"jobs": ["sequence", "forward"]});
    let recorder::RecorderResponse::Done(report) = recorder.within(event, SignedDuration::from_secs(10)).await.unwrap()
    else {
        panic!("a report expected")
    };
    let ends = ["file", "http", "syslog"].map(|name| report.destinations[name].end);
    assert_eq!(ends, [TurnEnd::Done, TurnEnd::Done, TurnEnd::Failed]);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    env.complete(&[&producer]).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let file: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(compare(&[&producer], &file), Ok(()));

    // Now it reads, including what hung before.
    let reader = std::thread::spawn(move || {
        let mut taken = Vec::new();
        while taken
            .iter()
            .filter(|entry: &&serde_json::Value| entry["service"] == "webhook")
            .count()
            < 80
        {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            // The abandoned connection may end in a reset.
            let _ = stream.read_to_end(&mut bytes);
            taken.extend(entries(&bytes));
        }
        taken
    });
    let mut end = TurnEnd::Failed;
    for _ in 0..50 {
        env.clock.pass(SignedDuration::from_mins(6));
        end = recorder.minute().await.destinations["syslog"].end;
        if end == TurnEnd::Done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(end, TurnEnd::Done);
    let taken = reader.join().unwrap();
    assert_eq!(compare(&[&producer], &taken), Ok(()));
}
