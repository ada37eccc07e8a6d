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
mod tests;
