//! Lines that our functions would never print: they block no valid lines, and none is lost silently.

use serde_json::{Value, json};

use super::producer::{Producer, log, packed, start_time};
use crate::env::TestEnv;

#[tokio::test]
async fn hostile_lines_are_quarantined_and_good_ones_stored() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let good = producer.print(3).lines();
    let altered = |change: &dyn Fn(&mut Value)| {
        let mut line: Value = serde_json::from_str(&Producer::with(1).lines()[0]).unwrap();
        change(&mut line);
        line.to_string()
    };
    let quarantined = [
        altered(&|line| line["id"] = "019cae0b-5527-4a80-b6d1-c2f4e0936a15".into()), // no version 7
        altered(&|line| line["timestamp"] = "2031-01-01T00:00:00.000Z".into()),      // not the id's
        altered(&|line| line["unpublished"] = true.into()),
        altered(&|line| line["details"] = json!({"text": "x".repeat(70_000)})),
        r#"{"event_type":"audit"}"#.to_owned(),
        r#"{"event_type":"audit_intent","call":7}"#.to_owned(),
        good[0][..good[0].len() / 2].to_owned(),
    ];
    let ignored = [
        "audit\0audit".to_owned(),
        r#"["event_type","audit"]"#.to_owned(),
        String::new(),
    ];
    let nul = altered(&|line| line["details"] = json!({"text": "a\u{0}b"}));
    let mut lines: Vec<String> = quarantined.iter().chain(&ignored).cloned().collect();
    lines.extend([good[0].clone(), nul.clone(), good[1].clone(), good[2].clone()]);
    let report = recorder.take(log(&lines)).await;
    assert_eq!((report.stored, report.quarantined), (3, 8), "{report:?}");
    assert_eq!(recorder.measured("audit_lines_quarantined"), [8]);

    let kept = env.rows("SELECT to_jsonb(line) FROM quarantined_audit_lines").await;
    assert_eq!(kept.len(), 8);
    for line in &quarantined {
        let prefix = &line[..line.len().min(60_000)];
        assert!(
            kept.iter().any(|kept| kept.as_str().unwrap().starts_with(prefix)),
            "{line:.200}"
        );
    }
    let reports = env
        .rows("SELECT entry::jsonb FROM audit_events WHERE action = 'audit.line_quarantined'")
        .await;
    assert_eq!((reports.len(), &reports[0]["details"]["lines"]), (1, &json!(8)));

    assert_eq!(
        recorder.take(log(&lines)).await.quarantined,
        0,
        "the same lines again are the same rows"
    );
    recorder.minute().await;
    // Postgres text cannot contain NUL: such a line is quarantined whole, and blocks nothing.
    assert_eq!(super::completeness::compare(&[&producer], &env.taken()), Ok(()));
}

#[tokio::test]
async fn stolen_line_or_absurd_time_blocks_no_entry() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    let producer = Producer::new(&env.clock);
    let genuine = producer.print(2).entries();
    // Another entry claims to be line 1 of the same stream, and arrived first.
    let mut thief: Value = serde_json::from_str(&Producer::with(1).lines()[0]).unwrap();
    thief["stream"] = genuine[0]["stream"].clone();
    recorder.take(log(&[thief.to_string()])).await;
    // An entry of another age: its id is from 1970.
    let mut ancient = genuine[0].clone();
    ancient["timestamp"] = "1970-01-01T00:00:00.001Z".into();
    ancient["id"] = "00000000-0001-7a80-b6d1-c2f4e0936a15".into();
    ancient["stream"] = json!({"id": "019cae06-1f3a-7d52-8c1b-77e2a9d04b3f", "seq": 1});
    let report = recorder.take(log(&[ancient.to_string()])).await;
    assert_eq!((report.stored, report.quarantined), (0, 1));
    recorder.take(producer.log()).await;
    recorder.minute().await;
    let stored = env.stored().await;
    for entry in genuine.iter().chain([&thief]) {
        assert!(stored.contains(entry), "{entry}");
    }
}

#[tokio::test]
async fn undecodable_deliveries_fail_and_stay_queued() {
    let env = TestEnv::with_recorder().await;
    let recorder = env.recorder();
    for event in [
        json!({"awslogs": {"data": "%%%"}}),
        json!({"awslogs": {"data": "bm8gZ3ppcA=="}}),
        packed(&json!({"messageType": "NEWS"})),
        packed(&json!(7)),
    ] {
        assert!(recorder.invoke(event.clone()).await.is_err(), "{event}");
        let body = event.to_string();
        let failed = recorder.messages(super::producer::messages([body])).await;
        assert_eq!(failed, ["message-0"], "left for the dead-letter queue");
    }
    assert_eq!(start_time(), model::Clock::now(&env.clock));
}
