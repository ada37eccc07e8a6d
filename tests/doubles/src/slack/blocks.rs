//! Slack's checks of Block Kit (<https://docs.slack.dev/reference/block-kit/blocks/>).

use std::collections::BTreeSet;

use serde_json::Value;

use super::Refusal;

const MOST_BLOCKS: usize = 50;
/// Maximum characters of text in all blocks together. Undocumented; others measured about 13,200
/// (<https://github.com/slackapi/bolt-js/issues/2509>).
const LONGEST_MESSAGE: usize = 13_200;

/// Checks the blocks of one message.
pub(super) fn check(blocks: &[Value]) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    if blocks.len() > MOST_BLOCKS {
        problems.push(format!(
            "[ERROR] no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]"
        ));
    }
    let mut ids = BTreeSet::new();
    for (index, block) in blocks.iter().enumerate() {
        let mut checker = Checker {
            path: format!("/blocks/{index}"),
            problems: &mut problems,
        };
        checker.block(block);
        if let Some(id) = block["block_id"].as_str() {
            if id.chars().count() > 255 {
                checker.report("must be less than 256 characters", "/block_id");
            }
            if !ids.insert(id) {
                checker.report("`block_id` already exists", "/block_id");
            }
        }
    }
    if !problems.is_empty() {
        return Err(Refusal::Error("invalid_blocks", problems));
    }
    if blocks.iter().map(characters).sum::<usize>() > LONGEST_MESSAGE {
        return Err(Refusal::from("msg_blocks_too_long"));
    }
    Ok(())
}

/// Characters in the text objects of a block.
fn characters(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) if name == "text" => text.chars().count(),
                value => characters(value),
            })
            .sum(),
        Value::Array(items) => items.iter().map(characters).sum(),
        _ => 0,
    }
}

/// Collects the errors of one block.
struct Checker<'a> {
    path: String,
    problems: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn report(&mut self, problem: &str, at: &str) {
        self.problems
            .push(format!("[ERROR] {problem} [json-pointer:{}{at}]", self.path));
    }

    fn block(&mut self, block: &Value) {
        match block["type"].as_str() {
            Some("section") => self.section(block),
            Some("header") => self.text(&block["text"], "/text", 150, &["plain_text"]),
            Some("context") => self.elements(block, 10),
            Some("actions") => self.elements(block, 25),
            Some("divider" | "image" | "rich_text" | "markdown" | "input" | "file" | "video" | "table") => {}
            Some(other) => self.report(&format!("unsupported type: {other}"), "/type"),
            None => self.report("missing required field: type", ""),
        }
    }

    fn section(&mut self, block: &Value) {
        let fields = block["fields"].as_array();
        if block["text"].is_null() && fields.is_none() {
            self.report("missing required field: text or fields", "");
        }
        if !block["text"].is_null() {
            self.text(&block["text"], "/text", 3000, &["plain_text", "mrkdwn"]);
        }
        let fields = fields.map_or(&[][..], Vec::as_slice);
        if fields.len() > 10 {
            self.report("no more than 10 items allowed", "/fields");
        }
        for (index, field) in fields.iter().enumerate() {
            self.text(field, &format!("/fields/{index}"), 2000, &["plain_text", "mrkdwn"]);
        }
    }

    fn elements(&mut self, block: &Value, most: usize) {
        let Some(elements) = block["elements"].as_array().filter(|elements| !elements.is_empty()) else {
            self.report("missing required field: elements", "");
            return;
        };
        if elements.len() > most {
            self.report(&format!("no more than {most} items allowed"), "/elements");
        }
        for (index, element) in elements.iter().enumerate() {
            let at = format!("/elements/{index}");
            match element["type"].as_str() {
                Some("plain_text" | "mrkdwn") => self.text(element, &at, 3000, &["plain_text", "mrkdwn"]),
                Some("button") => {
                    self.text(&element["text"], &format!("{at}/text"), 75, &["plain_text"]);
                    if element["url"].as_str().is_some_and(|url| url.chars().count() > 3000) {
                        self.report("must be less than 3001 characters", &format!("{at}/url"));
                    }
                }
                Some(_) => {}
                None => self.report("missing required field: type", &at),
            }
        }
    }

    fn text(&mut self, text: &Value, at: &str, longest: usize, kinds: &[&str]) {
        if !text["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
            self.report(&format!("must be one of: {}", kinds.join(", ")), &format!("{at}/type"));
        }
        match text["text"].as_str().map(|text| text.chars().count()) {
            None => self.report("missing required field: text", at),
            Some(0) => self.report("must be more than 0 characters", &format!("{at}/text")),
            Some(length) if length > longest => {
                self.report(
                    &format!("must be less than {} characters", longest + 1),
                    &format!("{at}/text"),
                );
            }
            Some(_) => {}
        }
    }
}
