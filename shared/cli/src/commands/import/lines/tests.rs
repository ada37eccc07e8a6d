use super::*;

fn read_lines(text: &str) -> Vec<String> {
    messages(Cursor::new(text.as_bytes().to_vec()))
        .map(|line| line.unwrap())
        .collect()
}

const LINE: &str = r#"{"event_type":"audit","id":1}"#;

#[test]
fn same_line_is_found_in_every_wrapping() {
    let quoted = serde_json::to_string(LINE).unwrap();
    let event = format!(r#"{{"logStreamName":"s","timestamp":1,"message":{quoted},"eventId":"1"}}"#);
    let answer = format!(r#"{{"events":[{event}],"searchedLogStreams":[]}}"#);
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&answer).unwrap()).unwrap();
    let cases = [
        ("printed", LINE.to_owned()),
        ("with empty lines and Windows ends", format!("\r\n\n{LINE}\r\n\r\n")),
        (
            "with a time in front",
            format!("2026-11-23T12:00:00.000000+00:00 2026/11/23/[1]ab {LINE}\n"),
        ),
        ("an event a line", event.clone()),
        ("an answer on one line", answer),
        ("an answer as aws prints it", pretty),
        ("its events", format!("[{event}]")),
        ("its messages", format!("[{quoted}]")),
    ];
    for (what, text) in cases {
        assert_eq!(read_lines(&text), [LINE], "{what}");
    }
}

/// Empty input contains no line.
#[test]
fn broken_document_error_names_the_expected_input() {
    assert_eq!(read_lines(""), [""; 0]);
    assert_eq!(read_lines("\n \n"), [""; 0]);
    for text in ["{\n  \"events\": [", "[1]", "{\n}\n"] {
        let error = messages(Cursor::new(text.as_bytes().to_vec()))
            .next()
            .unwrap()
            .unwrap_err();
        assert!(error.to_string().contains("filter-log-events"), "{text:?}: {error}");
    }
}

#[test]
fn bytes_that_are_no_text_stop_nothing() {
    let mut bytes = b"\xff\xfe noise\n".to_vec();
    bytes.extend(LINE.as_bytes());
    let lines: Vec<String> = messages(Cursor::new(bytes)).map(|line| line.unwrap()).collect();
    assert_eq!(lines.last().map(String::as_str), Some(LINE));
}
