//! The printed lines in a file, in any supported wrapping.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use serde::Deserialize;

use super::document;

/// Longest line in a file: an event of `CloudWatch` Logs holds 1 MiB, and JSON may double it.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// The lines, one by one: the file is never completely in memory unless it is one JSON document.
pub(super) fn messages(reader: impl Read + 'static) -> Box<dyn Iterator<Item = io::Result<String>>> {
    let mut reader = BufReader::new(reader);
    let first = match next_line(&mut reader) {
        Ok(first) => first,
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    let Some(first) = first else {
        return Box::new(std::iter::empty());
    };
    if document::begins(&first) {
        return Box::new(document::messages(Cursor::new(first.into_bytes()).chain(reader)));
    }
    let rest = std::iter::from_fn(move || next_line(&mut reader).transpose());
    let lines = std::iter::once(Ok(first)).chain(rest);
    Box::new(lines.map(|line| line.map(|line| message(&line))))
}

/// A line, even if its bytes are not UTF-8; empty ones are skipped.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    loop {
        let mut bytes = Vec::new();
        let limit = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
        if reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.len() == LONGEST_LINE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is longer than 4 MiB; not a log file",
            ));
        }
        let line = String::from_utf8_lossy(&bytes);
        if !line.trim().is_empty() {
            return Ok(Some(line.trim().to_owned()));
        }
    }
}

/// An event of `CloudWatch` Logs.
#[derive(Deserialize)]
struct Event {
    message: String,
}

/// The printed line in a line: all of it, the `message` of an event, or what follows a timestamp.
fn message(line: &str) -> String {
    if line.starts_with('{') {
        return serde_json::from_str(line).map_or_else(|_| line.to_owned(), |event: Event| event.message);
    }
    line.find('{').map_or(line, |begin| &line[begin..]).to_owned()
}

#[cfg(test)]
mod tests {
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
        let pretty =
            serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&answer).unwrap()).unwrap();
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
}
