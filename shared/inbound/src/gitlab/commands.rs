//! Commands for a coding service in the comment of a merge request, such as `/copilot review`.
//!
//! A command is a whole line. Text that a reader would see as code, as a quotation or not at all holds none, so that answers
//! and examples are not taken for commands. Where the markup is ambiguous, there is no command.

mod lines;
mod paragraph;

use std::collections::HashMap;

use lines::text_lines;

/// The most commands of one comment.
pub const MAX_COMMANDS: usize = 5;
/// Longest verb kept, in characters.
const MAX_VERB_CHARS: usize = 64;

/// Which lines are commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grammar {
    prefixes: Vec<String>,
}

/// The prefixes cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must name 1 to 10 prefixes of 2 to 32 visible ASCII characters, separated by commas, such as /copilot,@copilot"
)]
pub struct InvalidPrefixes;

impl Default for Grammar {
    fn default() -> Self {
        Self {
            prefixes: vec!["/copilot".to_owned()],
        }
    }
}

impl Grammar {
    /// The prefixes of a list separated by commas; letter case does not matter.
    ///
    /// # Errors
    /// [`InvalidPrefixes`].
    pub fn parse(list: &str) -> Result<Self, InvalidPrefixes> {
        let prefixes: Vec<String> = list.split(',').map(|prefix| prefix.trim().to_owned()).collect();
        // Markup at the beginning of a line would never be found as text.
        let is_valid = |prefix: &String| {
            (2..=32).contains(&prefix.len())
                && prefix.bytes().all(|byte| byte.is_ascii_graphic())
                && !prefix.starts_with(['>', '<', '`', '~', '#', '-', '*', '+'])
        };
        if (1..=10).contains(&prefixes.len()) && prefixes.iter().all(is_valid) {
            Ok(Self { prefixes })
        } else {
            Err(InvalidPrefixes)
        }
    }

    /// The prefix at the beginning of a line, and the rest of it.
    fn split_line<'a>(&self, line: &'a str) -> Option<(&str, &'a str)> {
        self.prefixes.iter().find_map(|prefix| {
            let (head, rest) = line.split_at_checked(prefix.len())?;
            let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
            (ends && head.eq_ignore_ascii_case(prefix)).then_some((prefix.as_str(), rest))
        })
    }
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteCommand {
    /// As configured.
    pub prefix: String,
    /// The first word after it, in lower case; empty if nothing follows.
    pub verb: String,
    /// How many commands of this verb precede it in the comment.
    pub ordinal: usize,
    /// The rest of the line.
    pub arguments: String,
}

/// The commands of a comment in Markdown, at most [`MAX_COMMANDS`].
#[must_use]
pub fn commands(note: &str, grammar: &Grammar) -> Vec<NoteCommand> {
    let mut ordinals: HashMap<String, usize> = HashMap::new();
    let is_candidate = |line: &str| grammar.split_line(line).is_some();
    let found = text_lines(note, is_candidate).into_iter().take(MAX_COMMANDS);
    found
        .filter_map(|(_, line)| {
            let (prefix, rest) = grammar.split_line(line)?;
            let rest = rest.trim();
            let (verb, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let verb: String = verb.chars().take(MAX_VERB_CHARS).collect::<String>().to_lowercase();
            let ordinal = ordinals.entry(verb.clone()).or_default();
            *ordinal += 1;
            Some(NoteCommand {
                prefix: prefix.to_owned(),
                verb,
                ordinal: *ordinal - 1,
                arguments: arguments.trim().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
