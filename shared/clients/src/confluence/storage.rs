//! A page's body in Confluence's storage format: XHTML with custom elements
//! (<https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html>), read and written by an XML library.
//!
//! It is a list of the parser's events, each with the bytes it was read from. Events are only inserted, so that everything else
//! stays byte for byte as it was.

use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};

/// The body is not well-formed storage format and needs manual intervention.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("page body is not well-formed: {0}")]
pub(super) struct MalformedStorage(String);

/// An element: where its events begin and end, and its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// Index of its start tag, or of the whole element if it is empty.
    pub(super) start: usize,
    /// Index of its end tag; `start` if it is empty.
    pub(super) end: usize,
    parent: Option<usize>,
}

pub(super) struct Document<'a> {
    events: Vec<Event<'a>>,
    elements: Vec<Element>,
}

impl<'a> Document<'a> {
    pub(super) fn parse(body: &'a str) -> Result<Self, MalformedStorage> {
        // The parser would drop the byte order mark.
        let mark = body
            .strip_prefix('\u{feff}')
            .map(|_| Event::Text(BytesText::from_escaped("\u{feff}")));
        let mut reader = Reader::from_str(body);
        let config = reader.config_mut();
        // Space within an end tag is kept too, so names are compared here.
        config.trim_markup_names_in_closing_tags = false;
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        let (mut events, mut elements, mut open) = (Vec::from_iter(mark), Vec::<Element>::new(), Vec::<usize>::new());
        loop {
            let at = events.len();
            let event = reader
                .read_event()
                .map_err(|error| MalformedStorage(error.to_string()))?;
            let begun = Element {
                start: at,
                end: at,
                parent: open.last().copied(),
            };
            match &event {
                Event::Eof if open.is_empty() => return Ok(Self { events, elements }),
                Event::Eof => return Err(MalformedStorage("unclosed element".to_owned())),
                Event::Start(_) => {
                    open.push(elements.len());
                    elements.push(begun);
                }
                Event::Empty(_) => elements.push(begun),
                Event::End(tag) => {
                    let ended = open.pop().and_then(|element| elements.get_mut(element));
                    let ended = ended.ok_or_else(|| MalformedStorage("unexpected end tag".to_owned()))?;
                    let begun = events.get(ended.start);
                    if !begun.is_some_and(|begun| matches!(begun, Event::Start(start) if is_end_of(tag, start))) {
                        return Err(MalformedStorage(format!(
                            "end tag does not match its element (event {at})"
                        )));
                    }
                    ended.end = at;
                }
                _ => (),
            }
            events.push(event);
        }
    }

    /// All elements of this name, in the order of the body.
    pub(super) fn elements(&self, name: &str) -> impl Iterator<Item = usize> {
        let named = move |element: &usize| self.name(*element) == Some(name);
        (0..self.elements.len()).filter(named)
    }

    /// The nearest enclosing element of this name.
    pub(super) fn around(&self, element: usize, name: &str) -> Option<usize> {
        let parent = self.elements.get(element)?.parent?;
        if self.name(parent) == Some(name) {
            Some(parent)
        } else {
            self.around(parent, name)
        }
    }

    /// The direct children of this name.
    pub(super) fn children(&self, element: usize, name: &str) -> impl Iterator<Item = usize> {
        let within = move |child: &usize| {
            self.elements
                .get(*child)
                .is_some_and(|child| child.parent == Some(element))
        };
        self.elements(name).filter(within)
    }

    /// An attribute of an element, unescaped.
    pub(super) fn attribute(&self, element: usize, name: &str) -> Option<String> {
        let tag = self.tag(element)?;
        let attribute = tag.try_get_attribute(name).ok()??;
        // HTML entities do not occur in the attributes we look for.
        Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
    }

    /// The text within an element, without markup. HTML entities other than those of XML are left out.
    pub(super) fn text(&self, element: usize) -> String {
        let Some(range) = self.elements.get(element) else {
            return String::new();
        };
        let mut text = String::new();
        for event in self.events.get(range.start..=range.end).unwrap_or_default() {
            match event {
                Event::Text(part) => text.push_str(&part.xml10_content()),
                Event::CData(part) => text.push_str(&part.xml10_content()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(c)) => text.push(c),
                    _ => text.push_str(
                        quick_xml::escape::resolve_predefined_entity(&reference.xml10_content()).unwrap_or_default(),
                    ),
                },
                _ => (),
            }
        }
        text
    }

    /// The body with these events inserted before the end of an element; `None`: at the end of the body.
    pub(super) fn with(&self, end_of: Option<usize>, added: &[Event<'_>]) -> Result<String, MalformedStorage> {
        let at = match end_of.and_then(|element| self.elements.get(element)) {
            Some(element) if element.end == element.start => {
                return Err(MalformedStorage("cannot insert into an empty element".to_owned()));
            }
            Some(element) => element.end,
            None => self.events.len(),
        };
        let mut writer = Writer::new(Vec::new());
        let (before, after) = self.events.split_at(at);
        for event in before.iter().chain(added).chain(after) {
            let written = writer.write_event(event.borrow());
            written.map_err(|error| MalformedStorage(error.to_string()))?;
        }
        String::from_utf8(writer.into_inner()).map_err(|error| MalformedStorage(error.to_string()))
    }

    /// The events of a body, for insertion into another.
    pub(super) fn into_events(self) -> Vec<Event<'a>> {
        self.events
    }

    fn tag(&self, element: usize) -> Option<&BytesStart<'a>> {
        match self.events.get(self.elements.get(element)?.start)? {
            Event::Start(tag) | Event::Empty(tag) => Some(tag),
            _ => None,
        }
    }

    fn name(&self, element: usize) -> Option<&str> {
        Some(self.tag(element)?.name().into_inner())
    }
}

fn is_end_of(end: &BytesEnd<'_>, start: &BytesStart<'_>) -> bool {
    end.name().into_inner().trim_end() == start.name().into_inner()
}

/// `<name attributes>content</name>`.
pub(super) fn element(
    name: &'static str,
    attributes: &[(&str, &str)],
    content: Vec<Event<'static>>,
) -> Vec<Event<'static>> {
    let tag = BytesStart::new(name).with_attributes(attributes.iter().copied());
    let mut events = vec![Event::Start(tag)];
    events.extend(content);
    events.push(Event::End(BytesEnd::new(name)));
    events
}

/// Text from any source: what XML cannot hold is left out, and markup is escaped.
pub(super) fn text_events(content: &str) -> Vec<Event<'static>> {
    let clean = crate::plain::line(content, usize::MAX);
    vec![Event::Text(BytesText::new(&clean).into_owned())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that people and Confluence put on pages, in several spellings.
    const PAGE: &str = concat!(
        "<h1 >Audit&nbsp;page</h1 >\n<!-- kept --><p style='x: \"y\"'>R&eacute;sum&#233; &amp; &lt;more&gt; <br/><br /></p>",
        r#"<ac:structured-macro ac:name="code" ac:schema-version="1" ac:macro-id="8f1"><ac:plain-text-body><![CDATA[<td>no cell</td> ]]&gt; ]]></ac:plain-text-body></ac:structured-macro>"#,
        r#"<ac:image ac:width="10"><ri:attachment ri:filename="a &amp; b.png"/></ac:image>"#,
        "<table\n  class=\"wrapped\"><tbody><tr><th>A</th></tr><tr><td><table><tbody><tr><td>inner</td></tr></tbody></table></td></tr></tbody></table>",
        "<p>\u{1f512} Größe</p>text at the end",
    );

    #[test]
    fn a_body_is_preserved_byte_for_byte() {
        for body in [
            "",
            "text",
            "<p/>",
            "<p />",
            "<p></p>",
            "<a b='1'\tc=\"2\" >x</a >",
            "<!DOCTYPE html><p>x</p>",
            PAGE,
        ] {
            assert_eq!(Document::parse(body).unwrap().with(None, &[]).unwrap(), body);
        }
    }

    #[test]
    fn malformed_body_is_refused() {
        for body in [
            "<p>",
            "</p>",
            "<p></b>",
            "<p><b></p></b>",
            "<p",
            "<p>x</p",
            "<!-- ",
            "<![CDATA[ x",
        ] {
            assert!(Document::parse(body).is_err(), "{body}");
        }
    }

    #[test]
    fn elements_are_found_by_name_outside_cdata() {
        let document = Document::parse(PAGE).unwrap();
        assert_eq!(document.elements("td").count(), 2);
        let inner = document.elements("td").last().unwrap();
        assert_eq!(document.text(inner), "inner");
        let table = document.around(inner, "table").unwrap();
        assert_eq!(document.elements("table").position(|known| known == table), Some(1));
        let outer = document.around(table, "table").unwrap();
        assert_eq!(document.attribute(outer, "class").as_deref(), Some("wrapped"));
        assert_eq!(document.around(outer, "table"), None);
        let image = document.elements("ri:attachment").next().unwrap();
        assert_eq!(document.attribute(image, "ri:filename").as_deref(), Some("a & b.png"));
        let paragraph = document.elements("p").next().unwrap();
        assert_eq!(
            document.text(paragraph),
            "Rsumé & <more> ",
            "entities of HTML are left out"
        );
    }

    #[test]
    fn insertion_goes_before_the_closing_tag() {
        let document = Document::parse("<p>a</p><b/>").unwrap();
        let added = element("i", &[("x", "\"<&")], text_events("<&>\u{0}\u{b}\u{ffff}"));
        let paragraph = document.elements("p").next();
        assert_eq!(
            document.with(paragraph, &added).unwrap(),
            "<p>a<i x=\"&quot;&lt;&amp;\">&lt;&amp;&gt;</i></p><b/>"
        );
        assert!(document.with(document.elements("b").next(), &added).is_err());
    }

    fn body() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[ a-zß\n]{0,8}",
            Just("&nbsp;".to_owned()),
            Just("&#xe9;".to_owned()),
            Just("<br />".to_owned()),
            Just("<![CDATA[<x> & ]]>".to_owned()),
            Just("<!-- <p> -->".to_owned()),
            Just("<ri:page ri:content-title='a'/>".to_owned()),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let names = prop_oneof![Just("p"), Just("td"), Just("ac:structured-macro"), Just("table")];
            (
                names,
                prop_oneof![Just(""), Just(" a='1'"), Just("\n b=\"&amp;\" ")],
                proptest::collection::vec(inner, 0..6),
            )
                .prop_map(|(name, attributes, inside)| format!("<{name}{attributes}>{}</{name}>", inside.concat()))
        })
    }

    proptest! {
        #[test]
        fn well_formed_body_is_reproduced_byte_for_byte(body in body()) {
            prop_assert_eq!(Document::parse(&body).unwrap().with(None, &[]).unwrap(), body);
        }

        #[test]
        fn any_text_at_all_is_read_or_refused(body in ".{0,80}") {
            if let Ok(document) = Document::parse(&body) {
                prop_assert_eq!(document.with(None, &[]).unwrap(), body);
            }
        }
    }
}
