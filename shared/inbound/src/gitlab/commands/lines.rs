//! The blocks of a comment in Markdown, line by line: which lines are text that a reader sees.
//!
//! By [CommonMark](https://spec.commonmark.org/0.31.2/), with [GitLab's quotation fence](https://docs.gitlab.com/user/markdown/)
//! `>>>`.

use super::paragraph::{hidden_ranges, is_hidden, possible_ranges};

/// What encloses the current line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Ordinary text.
    Text,
    /// A code fence: its character, its length and its indentation.
    Fence(char, usize, usize),
    /// A quotation between lines of `>>>`.
    QuoteFence,
    /// HTML until this text; its indentation.
    HtmlUntil(&'static str, usize),
    /// HTML until the next blank line.
    HtmlUntilBlank,
}

/// HTML that ends with its own text, by its beginning.
const HTML: [(&str, &str); 10] = [
    ("<!--", "-->"),
    ("<![cdata[", "]]>"),
    ("<!", ">"),
    ("<?", "?>"),
    ("<pre", "</pre>"),
    ("<code", "</code>"),
    ("<blockquote", "</blockquote>"),
    ("<script", "</script>"),
    ("<style", "</style>"),
    ("<textarea", "</textarea>"),
];

/// A line and where it begins in the comment.
pub(super) type PlacedLine<'a> = (usize, &'a str);

/// The lines of text that `is_candidate` accepts.
pub(super) fn text_lines(note: &str, is_candidate: impl Fn(&str) -> bool) -> Vec<PlacedLine<'_>> {
    let mut reader = Reader::new(note);
    for line in note.split_inclusive('\n') {
        let end = reader.at + line.len();
        let text = line.strip_suffix('\n').unwrap_or(line);
        let text = text.strip_suffix('\r').unwrap_or(text);
        // Some parsers end a line at a carriage return alone.
        if text.contains('\r') || !reader.read_line(text, &is_candidate) {
            // What follows may be code or text, and so may the paragraph that it continues.
            return reader.found;
        }
        reader.at = end;
    }
    reader.end_paragraph();
    reader.found
}

/// The state between two lines.
struct Reader<'a> {
    note: &'a str,
    /// Where the current line begins.
    at: usize,
    block: Block,
    paragraph: Option<Paragraph<'a>>,
    /// The line before belongs to a quotation, which this one may continue.
    follows_quote: bool,
    has_list: bool,
    found: Vec<PlacedLine<'a>>,
}

/// Lines without a blank one between them.
struct Paragraph<'a> {
    begin: usize,
    candidates: Vec<PlacedLine<'a>>,
    /// It may be several paragraphs.
    is_broken: bool,
}

impl Paragraph<'_> {
    fn begin(begin: usize) -> Self {
        Self {
            begin,
            candidates: Vec::new(),
            is_broken: false,
        }
    }
}

impl<'a> Reader<'a> {
    fn new(note: &'a str) -> Self {
        Self {
            note,
            at: 0,
            block: Block::Text,
            paragraph: None,
            follows_quote: false,
            has_list: false,
            found: Vec::new(),
        }
    }

    /// Reads one line; `false`: what follows is ambiguous.
    fn read_line(&mut self, line: &'a str, is_candidate: &impl Fn(&str) -> bool) -> bool {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if let Block::Fence(_, _, block_indent) | Block::HtmlUntil(_, block_indent) = self.block
            && self.has_list
            && indent < block_indent
            && !content.trim().is_empty()
        {
            // In a list the block ends here, outside it continues.
            return false;
        }
        match self.block {
            Block::Fence(mark, length, _) => {
                let rest = match fence(content) {
                    Some((found, many, rest)) if indent <= 3 && found == mark && many >= length => rest,
                    _ => return true,
                };
                if rest.trim_matches(' ').is_empty() {
                    self.block = Block::Text;
                } else if rest.trim().is_empty() {
                    // Parsers differ about a tab after the fence.
                    return false;
                }
            }
            Block::QuoteFence if line.trim_end() == ">>>" => {
                self.block = Block::Text;
                self.follows_quote = true;
            }
            Block::HtmlUntil(end, _) if contains_ignore_case(line, end) => self.block = Block::Text,
            Block::HtmlUntilBlank if line.trim().is_empty() => {
                self.block = Block::Text;
                self.read_text(line, content, indent, is_candidate);
            }
            // A quotation and unknown HTML end in GitLab elsewhere than in CommonMark if they hold other blocks.
            Block::QuoteFence => return opened(content, indent).is_none(),
            Block::HtmlUntilBlank => {
                return opened(content, indent).is_none_or(|block| block == Block::HtmlUntilBlank);
            }
            Block::HtmlUntil(..) => (),
            Block::Text => self.read_text(line, content, indent, is_candidate),
        }
        true
    }

    fn read_text(&mut self, line: &'a str, content: &str, indent: usize, is_candidate: &impl Fn(&str) -> bool) {
        if content.trim().is_empty() {
            self.end_paragraph();
            self.follows_quote = false;
            return;
        }
        if let Some(block) = (indent <= 3).then(|| opened(content, indent)).flatten() {
            if block == Block::HtmlUntilBlank {
                // It may also be inline markup, and then belongs to the paragraph.
                self.block = block;
                return;
            }
            self.end_paragraph();
            self.follows_quote = false;
            // An HTML block can end on its first line.
            self.block = match block {
                Block::HtmlUntil(end, _) if contains_ignore_case(&content[1..], end) => Block::Text,
                block => block,
            };
            return;
        }
        let item = without_list_markers(content);
        let is_item = item.len() < content.len();
        self.has_list |= is_item;
        let is_quote = item.starts_with('>');
        // Lines up to the next blank one can continue a quotation.
        self.follows_quote |= is_quote;
        let paragraph = self.paragraph.get_or_insert_with(|| Paragraph::begin(self.at));
        let is_indented = indent > 3 || content.starts_with('\t');
        paragraph.is_broken |= is_item || is_quote || is_indented || may_break(content);
        if !self.follows_quote && is_candidate(line) {
            paragraph.candidates.push((self.at, line));
        }
    }

    fn end_paragraph(&mut self) {
        if let Some(paragraph) = self.paragraph.take()
            && !paragraph.candidates.is_empty()
        {
            let Paragraph {
                begin,
                candidates,
                is_broken,
            } = paragraph;
            let text = &self.note[begin..self.at];
            let hidden = if is_broken {
                possible_ranges(text)
            } else {
                hidden_ranges(text)
            };
            let visible = candidates.into_iter().filter(|(at, _)| !is_hidden(&hidden, at - begin));
            self.found.extend(visible);
        }
    }
}

/// The block that a line opens.
fn opened(content: &str, indent: usize) -> Option<Block> {
    if let Some((mark, length, rest)) = fence(content)
        && !(mark == '`' && rest.contains('`'))
    {
        return Some(Block::Fence(mark, length, indent));
    }
    if indent == 0 && content.trim_end() == ">>>" {
        return Some(Block::QuoteFence);
    }
    if !content.starts_with('<') {
        return None;
    }
    let begins = |text: &str| {
        content
            .get(..text.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(text))
    };
    let until = HTML.iter().find(|(begin, _)| begins(begin));
    Some(until.map_or(Block::HtmlUntilBlank, |(_, end)| Block::HtmlUntil(end, indent)))
}

/// Character and length of a code fence, and the rest of its line.
fn fence(content: &str) -> Option<(char, usize, &str)> {
    let mark = content.chars().next().filter(|first| matches!(first, '`' | '~'))?;
    let rest = content.trim_start_matches(mark);
    let length = content.len() - rest.len();
    (length >= 3).then_some((mark, length, rest))
}

/// The content of a list item, which can be in several lists; any other line unchanged.
fn without_list_markers(mut content: &str) -> &str {
    loop {
        content = content.trim_start_matches([' ', '\t']);
        let digits = content.trim_start_matches(|first: char| first.is_ascii_digit());
        let marker = if digits.len() < content.len() {
            digits.strip_prefix(['.', ')'])
        } else {
            content.strip_prefix(['-', '*', '+'])
        };
        match marker {
            Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t']) => content = rest,
            _ => return content,
        }
    }
}

/// Whether a line can begin or end a paragraph without a blank line: a heading, a rule, an underline or a row of a table.
fn may_break(content: &str) -> bool {
    content.starts_with(['#', '|']) || content.trim_start_matches(['-', '=', '*', '_', ' ', '\t']).is_empty()
}

/// Whether `text` contains `wanted`, which is ASCII in lower case.
fn contains_ignore_case(text: &str, wanted: &str) -> bool {
    let windows = text.as_bytes().windows(wanted.len());
    windows
        .into_iter()
        .any(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
}
