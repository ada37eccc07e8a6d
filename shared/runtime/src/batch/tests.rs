//! Which messages are redelivered, for every way a message can fail.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use jiff::{SignedDuration, Timestamp};
use model::{Clock, FixedClock};

use super::*;

fn start() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

fn left(time: Duration) -> Deadline {
    Deadline::new(start() + time, Arc::new(FixedClock(start())))
}

fn plenty() -> Deadline {
    left(Duration::from_secs(30))
}

/// Messages written as `group:body`; the body is also the id.
fn event(messages: &[&str]) -> SqsEvent {
    let mut event = SqsEvent::default();
    for message in messages {
        let (group, body) = message.split_once(':').unwrap();
        let mut sqs = SqsMessage::default();
        sqs.message_id = Some(body.to_owned());
        sqs.body = Some(body.to_owned());
        if !group.is_empty() {
            sqs.attributes.insert("MessageGroupId".to_owned(), group.to_owned());
        }
        event.records.push(sqs);
    }
    event
}

fn failures(response: &SqsBatchResponse) -> Vec<&str> {
    response
        .batch_item_failures
        .iter()
        .map(|failure| failure.item_identifier.as_str())
        .collect()
}

/// Runs the messages; a body starting with `bad` fails, one with `panic` panics. Returns the failures and the handled messages, in
/// order.
async fn run(messages: &[&str], deadline: &Deadline) -> (Vec<String>, Vec<String>) {
    let seen = RefCell::new(Vec::new());
    let handler = async |message: Message| {
        seen.borrow_mut().push(message.body.clone());
        assert!(!message.body.starts_with("panic"), "poison");
        if message.body.starts_with("bad") {
            Err(BatchError::new("refused"))
        } else {
            Ok(())
        }
    };
    let response = process_fifo(event(messages), deadline, handler).await.unwrap();
    (
        failures(&response).into_iter().map(ToOwned::to_owned).collect(),
        seen.into_inner(),
    )
}

#[tokio::test]
async fn slow_group_delays_no_other_and_keeps_order() {
    let seen = RefCell::new(Vec::new());
    let open = tokio::sync::Notify::new();
    let handler = async |message: Message| {
        if message.body == "a1" {
            // Continues only after every other group is finished.
            open.notified().await;
        }
        seen.borrow_mut().push(message.body.clone());
        if message.body == "c1" {
            open.notify_one();
        }
        if message.body == "b1" {
            return Err(BatchError::new("refused"));
        }
        Ok(())
    };
    let messages = event(&["a:a1", "b:b1", "a:a2", "b:b2", ":free", "c:c1"]);
    let response = process_fifo_groups(messages, &plenty(), handler).await.unwrap();
    assert_eq!(failures(&response), ["b1", "b2"]);
    assert_eq!(seen.into_inner(), ["b1", "free", "c1", "a1", "a2"]);
}

#[tokio::test]
async fn failure_stops_only_its_own_group() {
    type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [&'a str]);
    let table: [Case; 7] = [
        ("nothing fails", &["a:1", "b:2", "a:3"], &[], &["1", "2", "3"]),
        ("nothing comes", &[], &[], &[]),
        (
            "one among good ones",
            &["a:1", "b:bad2", "c:3"],
            &["bad2"],
            &["1", "bad2", "3"],
        ),
        (
            "the rest of the group",
            &["a:bad1", "b:2", "a:3", "b:4", "a:5"],
            &["bad1", "3", "5"],
            &["bad1", "2", "4"],
        ),
        (
            "earlier ones stay done",
            &["a:1", "a:bad2", "a:3"],
            &["bad2", "3"],
            &["1", "bad2"],
        ),
        (
            "two groups",
            &["a:bad1", "b:bad2", "c:3", "b:4", "a:5"],
            &["bad1", "bad2", "4", "5"],
            &["bad1", "bad2", "3"],
        ),
        (
            "without groups each is alone",
            &[":bad1", ":2", ":bad3", ":4"],
            &["bad1", "bad3"],
            &["bad1", "2", "bad3", "4"],
        ),
    ];
    for (name, messages, failed, seen) in table {
        let (failures, done) = run(messages, &plenty()).await;
        assert_eq!(failures, failed, "{name}");
        assert_eq!(done, seen, "{name}");
    }
}

#[tokio::test]
async fn panic_stops_only_its_own_group() {
    let (failures, seen) = run(&["a:1", "b:panic2", "b:3", "a:4"], &plenty()).await;
    assert_eq!(failures, ["panic2", "3"]);
    assert_eq!(seen, ["1", "panic2", "4"]);
}

#[tokio::test]
async fn panic_before_first_await_is_caught() {
    fn panics(_: Message) -> std::future::Ready<Result<(), BatchError>> {
        panic!("poison")
    }
    let response = process_fifo(event(&["a:1"]), &plenty(), panics).await.unwrap();
    assert_eq!(failures(&response), ["1"]);
}

#[tokio::test]
async fn a_message_not_started_in_time_is_redelivered() {
    #[derive(Debug)]
    struct Ticking(Mutex<Timestamp>);
    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }
    let clock = Arc::new(Ticking(Mutex::new(start())));
    let deadline = Deadline::new(start() + SignedDuration::from_secs(10), clock.clone());
    let handler = async |_: Message| {
        *clock.0.lock().unwrap() += SignedDuration::from_secs(3);
        Ok(())
    };
    // Begun with 10, 7 and 4 seconds left; the fourth would have one.
    let response = process_fifo(event(&["a:1", "b:2", "c:3", "d:4", "e:5"]), &deadline, handler)
        .await
        .unwrap();
    assert_eq!(failures(&response), ["4", "5"]);
}

#[tokio::test]
async fn hanging_message_is_abandoned_before_the_deadline() {
    let handler = async |message: Message| {
        if message.body == "hangs" {
            std::future::pending::<()>().await;
        }
        Ok(())
    };
    // The clock is fixed, so only the real time of the hanging message passes: 2000 ms less the time to answer.
    let deadline = left(TIME_TO_BEGIN);
    let began = std::time::Instant::now();
    let response = process_fifo(event(&["a:1", "b:hangs", "b:2", "c:3"]), &deadline, handler)
        .await
        .unwrap();
    assert_eq!(failures(&response), ["hangs", "2"]);
    assert!(began.elapsed() < TIME_TO_BEGIN, "{:?}", began.elapsed());
}

#[tokio::test]
async fn message_without_id_returns_the_whole_batch() {
    for id in [None, Some(String::new())] {
        let mut event = event(&["a:1", "b:2"]);
        event.records[1].message_id = id;
        let seen = RefCell::new(0);
        let handler = async |_: Message| {
            *seen.borrow_mut() += 1;
            Ok(())
        };
        assert_eq!(process_fifo(event, &plenty(), handler).await, Err(MissingMessageId));
        assert_eq!(seen.into_inner(), 0);
    }
}

#[test]
fn record_has_the_sqs_message_attributes() {
    let event: SqsEvent = serde_json::from_value(serde_json::json!({"Records": [
        {
            "messageId": "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5",
            "receiptHandle": "AQEBBX8nesZEXmkhsmZeyIE8iQAMig7qw",
            "body": "{\"kind\":\"invented\"}",
            "attributes": {
                "ApproximateReceiveCount": "3",
                "SentTimestamp": "1769860800123",
                "SequenceNumber": "18849496460467696128",
                "MessageGroupId": "main/7/12",
                "SenderId": "AROAEXAMPLE",
                "MessageDeduplicationId": "d-1",
                "ApproximateFirstReceiveTimestamp": "1769860800200"
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:deliveries.fifo",
            "awsRegion": "eu-west-1"
        },
        {"messageId": "m-2", "attributes": {"ApproximateReceiveCount": "many", "SentTimestamp": "99999999999999999999"}},
    ]}))
    .unwrap();
    let records: Vec<Message> = event
        .records
        .into_iter()
        .map(|message| message.try_into().unwrap())
        .collect();
    let expected = Message {
        message_id: "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5".into(),
        group_id: Some("main/7/12".into()),
        source_arn: Some("arn:aws:sqs:eu-west-1:123456789012:deliveries.fifo".into()),
        body: "{\"kind\":\"invented\"}".into(),
        receive_count: 3,
        sent_at: Some(Timestamp::from_millisecond(1_769_860_800_123).unwrap()),
    };
    assert_eq!(records[0], expected);
    let bare = Message {
        message_id: "m-2".into(),
        group_id: None,
        source_arn: None,
        body: String::new(),
        receive_count: 1,
        sent_at: None,
    };
    assert_eq!(records[1], bare);
    assert!(
        !format!("{records:?}").contains("invented"),
        "bodies must not be logged"
    );
}

#[test]
fn any_error_becomes_the_reason_with_its_causes() {
    let parse = "x".parse::<u8>().map_err(BatchError::from).unwrap_err();
    assert_eq!(parse.0, "invalid digit found in string");
}

proptest::proptest! {
    #[test]
    fn order_within_a_group_survives_any_failures(plan in proptest::collection::vec((0_u8..4, proptest::bool::ANY), 0..10)) {
        let messages: Vec<String> =
            plan.iter().enumerate().map(|(n, (group, bad))| format!("g{group}:{}{n}", if *bad { "bad" } else { "ok" })).collect();
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (failed, seen) = runtime.block_on(run(&messages, &plenty()));
        for group in 0..4 {
            let of_group: Vec<&str> = messages.iter().filter_map(|m| m.strip_prefix(&format!("g{group}:"))).collect();
            let first_failed = of_group.iter().position(|id| failed.iter().any(|f| f == id)).unwrap_or(of_group.len());
            // All before the first failure are done; it and all later ones are redelivered, and the later ones were not touched.
            for (n, id) in of_group.iter().enumerate() {
                proptest::prop_assert_eq!(failed.iter().any(|f| f == id), n >= first_failed);
                proptest::prop_assert_eq!(seen.iter().any(|h| h == id), n <= first_failed);
            }
        }
    }
}
