//! The comment with the decision: one text, in the markup of each tracker.

use rules::Wording;

use crate::MergeSummary;

pub(super) struct Markup {
    /// The first line, from a heading and the merge request's link.
    pub(super) title: fn(&str, &str) -> String,
    /// A link, from a name and an address.
    pub(super) link: fn(&str, &str) -> String,
    /// Begins an item of a list.
    pub(super) item: &'static str,
    /// Whether a character has a meaning that a backslash removes.
    pub(super) is_special: fn(char) -> bool,
}

impl Markup {
    /// The comment, line by line.
    pub(super) fn comment(&self, merge: &MergeSummary, wording: &Wording, stays_open: Option<&str>) -> Vec<String> {
        let heading = if merge.is_correction {
            "Security review: corrected"
        } else {
            "Security review"
        };
        let name = self.escaped(&merge.name());
        let link = match crate::address::shown(&merge.row.web_url) {
            Some(url) => (self.link)(&name, &url),
            None => name,
        };
        let mut lines = vec![(self.title)(heading, &link), String::new()];
        lines.extend([self.escaped(&merge.sentence(wording)), String::new()]);
        if let Some(stays_open) = stays_open {
            lines.extend([stays_open.to_owned(), String::new()]);
        }
        let particulars = merge.particulars().into_iter();
        lines.extend(particulars.map(|(name, value)| format!("{} {name}: {}", self.item, self.escaped(&value))));
        lines
    }

    /// Text without meaning in this markup.
    fn escaped(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if (self.is_special)(c) {
                out.push('\\');
            }
            out.push(c);
        }
        out
    }
}
