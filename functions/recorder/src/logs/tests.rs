//! Deliveries as CloudWatch Logs sends them, and invalid ones.

use serde_json::json;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn event(bytes: &[u8]) -> LogsEvent {
    let data = STANDARD.encode(gzip(bytes));
    LogsEvent {
        awslogs: Packed { data },
    }
}

fn unpack(bytes: &[u8]) -> Result<Option<LogDelivery>, Undecodable> {
    event(bytes).unpack()
}

#[test]
fn delivery_is_unpacked_and_repacked_unchanged() {
    let text = json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/webhook",
        "logStream": "2026/03/02/[7]abc", "subscriptionFilters": ["audit"],
        "logEvents": [{"id": "1", "timestamp": 1_772_446_504_231_i64, "message": "one"},
                      {"id": "2", "timestamp": 1_772_446_504_232_i64, "message": "größe"}],
    });
    let delivery = unpack(text.to_string().as_bytes()).unwrap().unwrap();
    assert_eq!(delivery.source(), "/aws/lambda/webhook/2026/03/02/[7]abc");
    let messages: Vec<_> = delivery.log_events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages, ["one", "größe"]);
    assert_eq!(delivery.pack(&delivery.log_events).unpack().unwrap().unwrap(), delivery);
    assert!(!format!("{delivery:?}").contains("one"), "lines must not be logged");
}

#[test]
fn a_control_message_holds_nothing() {
    let text = json!({"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
        "subscriptionFilters": [], "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health"}]});
    assert_eq!(unpack(text.to_string().as_bytes()), Ok(None));
}

#[test]
fn an_invalid_delivery_is_rejected_with_its_reason() {
    let data = |data: &str| {
        LogsEvent {
            awslogs: Packed { data: data.to_owned() },
        }
        .unpack()
    };
    assert_eq!(data("%%%"), Err(Undecodable::Base64));
    assert_eq!(data(""), Err(Undecodable::Gzip));
    assert_eq!(data(&STANDARD.encode("not gzip")), Err(Undecodable::Gzip));
    let mut cut = gzip(br#"{"messageType":"DATA_MESSAGE"}"#);
    cut.truncate(cut.len() - 9);
    assert_eq!(data(&STANDARD.encode(cut)), Err(Undecodable::Gzip));
    assert_eq!(unpack(b"not json"), Err(Undecodable::Json));
    assert_eq!(unpack(br#"{"messageType":7}"#), Err(Undecodable::Json));
    assert_eq!(unpack(br#"{"messageType":"NEWS"}"#), Err(Undecodable::Kind));
}

#[test]
fn decompression_bomb_is_rejected_at_the_size_limit() {
    let bomb = vec![b' '; usize::try_from(LARGEST).unwrap() + 1];
    assert_eq!(unpack(&bomb), Err(Undecodable::TooLarge));
    assert_eq!(
        unpack(&bomb[1..]),
        Err(Undecodable::Json),
        "at the size limit, but not JSON"
    );
}

#[test]
fn invalid_utf_8_leaves_other_lines_readable() {
    let mut bytes = br#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"a"},{"message":"b"#.to_vec();
    bytes.extend([0xff, 0xfe]);
    bytes.extend(br#""},{"message":"c"}]}"#);
    let delivery = unpack(&bytes).unwrap().unwrap();
    let messages: Vec<_> = delivery.log_events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages, ["a", "b\u{fffd}\u{fffd}", "c"]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, text in ".*") {
        let _ = unpack(&bytes);
        let _ = LogsEvent { awslogs: Packed { data: STANDARD.encode(&bytes) } }.unpack();
        let _ = LogsEvent { awslogs: Packed { data: text } }.unpack();
    }
}
