//! The JSON document of `aws logs filter-log-events` and similar commands.

use std::io::{self, Read};

use serde::Deserialize;

/// `{"events": [...]}`, or the array alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Answer { events: Vec<Item> },
    Items(Vec<Item>),
}

/// An event, or with `--query 'events[].message'` only its message.
#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Event { message: String },
    Message(String),
}

/// Whether a file with this first line is one document: an object or array that continues below, or a response on one line.
pub(super) fn begins(first: &str) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "events")]
        _events: serde::de::IgnoredAny,
    }
    first == "{" || first.starts_with('[') || (first.starts_with('{') && serde_json::from_str::<Answer>(first).is_ok())
}

/// The messages of a document.
pub(super) fn messages(reader: impl Read) -> Box<dyn Iterator<Item = io::Result<String>>> {
    let read = serde_json::from_reader::<_, Document>(reader);
    let items = match read {
        Ok(Document::Answer { events } | Document::Items(events)) => events,
        Err(error) if error.is_io() => return Box::new(std::iter::once(Err(error.into()))),
        Err(error) => {
            let text = format!(
                "neither printed lines nor the JSON of `aws logs filter-log-events` (line {})",
                error.line()
            );
            return Box::new(std::iter::once(Err(io::Error::new(io::ErrorKind::InvalidData, text))));
        }
    };
    let lines = items.into_iter().map(|item| match item {
        Item::Event { message } | Item::Message(message) => message,
    });
    Box::new(lines.map(|message| Ok(message.trim().to_owned())))
}
