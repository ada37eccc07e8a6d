//! Checks whether a body is well-formed storage format, with the error texts of Confluence's parser (Woodstox).

use std::collections::BTreeSet;

use quick_xml::errors::IllFormedError;
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

use super::characters::{characters, reference, value};

/// Prefixes that Confluence declares around every body.
const PREFIXES: [&str; 4] = ["ac", "ri", "at", "xml"];

/// Checks a body, which Confluence reads as the content of an element `xml`.
pub(super) fn check(body: &str) -> Result<(), String> {
    let mut reader = Reader::from_str(body);
    reader.config_mut().check_comments = true;
    let mut checker = Checker {
        open: Vec::new(),
        prefixes: PREFIXES.iter().map(|&prefix| prefix.to_owned()).collect(),
    };
    loop {
        let event = reader.read_event();
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let outcome = match event {
            Ok(Event::Eof) => return checker.end().map_err(|problem| report(&problem, body, at)),
            Ok(event) => checker.event(&event),
            Err(error) => Err(words(&error)),
        };
        outcome.map_err(|problem| report(&problem, body, at))?;
    }
}

struct Checker {
    open: Vec<String>,
    prefixes: BTreeSet<String>,
}

impl Checker {
    fn event(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(tag) => {
                self.tag(tag)?;
                self.open.push(tag.name().as_ref().to_owned());
                Ok(())
            }
            Event::Empty(tag) => self.tag(tag),
            Event::End(_) => {
                self.open.pop();
                Ok(())
            }
            Event::Text(text) if text.contains("]]>") => Err("String ']]>' not allowed in textual content".to_owned()),
            Event::Text(text) | Event::Comment(text) => characters(text),
            Event::CData(text) => characters(text),
            Event::GeneralRef(name) => reference(name),
            Event::Decl(_) => {
                Err("Illegal processing instruction target (\"xml\"); xml (case insensitive) is reserved".to_owned())
            }
            Event::DocType(_) => Err("Unexpected DOCTYPE declaration in content".to_owned()),
            Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn tag(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let mut names = vec![tag.name().as_ref().to_owned()];
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| attribute_words(&error))?;
            let name = attribute.key.as_ref();
            if let Some(prefix) = name.strip_prefix("xmlns:") {
                self.prefixes.insert(prefix.to_owned());
            } else {
                names.push(name.to_owned());
            }
            value(&attribute.value)?;
        }
        names.iter().try_for_each(|name| self.name(name))
    }

    fn name(&self, name: &str) -> Result<(), String> {
        if let Some(wrong) = name.split(':').find_map(not_a_name) {
            return Err(wrong);
        }
        match name.split_once(':') {
            Some((prefix, _)) if !self.prefixes.contains(prefix) => {
                Err(format!("Undeclared namespace prefix \"{prefix}\""))
            }
            Some((_, local)) if local.contains(':') => Err(format!("Unexpected character ':' in name \"{name}\"")),
            _ => Ok(()),
        }
    }

    fn end(&self) -> Result<(), String> {
        match self.open.last() {
            Some(open) => Err(close("xml", open)),
            None => Ok(()),
        }
    }
}

/// The error in a part of a name.
fn not_a_name(part: &str) -> Option<String> {
    let wrong = match part.chars().next() {
        None => return Some("Unexpected character in place of a name".to_owned()),
        Some(first) if !(first.is_alphabetic() || first == '_') => Some(first),
        Some(_) => part
            .chars()
            .find(|&character| !(character.is_alphanumeric() || "_-.·".contains(character))),
    };
    wrong.map(|character| {
        format!(
            "Unexpected character '{character}' (code {}) in a name",
            u32::from(character)
        )
    })
}

fn close(found: &str, expected: &str) -> String {
    format!("Unexpected close tag </{found}>; expected </{expected}>.")
}

fn words(error: &Error) -> String {
    match error {
        Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => close(found, expected),
        Error::IllFormed(IllFormedError::UnmatchedEndTag(found)) => close(found, "xml"),
        Error::InvalidAttr(error) => attribute_words(error),
        other => other.to_string(),
    }
}

fn attribute_words(error: &AttrError) -> String {
    match error {
        AttrError::ExpectedEq(_) => "Unexpected character '>' (code 62) expected '='".to_owned(),
        other => other.to_string(),
    }
}

fn report(problem: &str, body: &str, at: usize) -> String {
    let before = body.get(..at).unwrap_or(body);
    let row = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("Error parsing xhtml: {problem}\n at [row,col {{unknown-source}}]: [{row},{column}]")
}
