//! The inline markup of one paragraph: code spans and HTML comments can cover whole lines.

use std::collections::HashMap;

/// Code spans and comments, from left to right, as ranges of bytes.
pub(super) fn hidden_ranges(text: &str) -> Vec<(usize, usize)> {
    let (bytes, runs) = (text.as_bytes(), backtick_runs(text));
    let (mut ranges, mut at, mut has_comment_end) = (Vec::new(), 0, true);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => {
                let length = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
                let begin = at;
                at += length;
                if let Some(end) = next_run(&runs, length, at) {
                    ranges.push((begin, end));
                    at = end + length;
                }
            }
            b'<' if has_comment_end && text[at..].starts_with("<!--") => {
                let length = text[at..].find("-->");
                has_comment_end = length.is_some();
                if let Some(length) = length {
                    ranges.push((at, at + length));
                }
                at += length.unwrap_or(1);
            }
            _ => at += 1,
        }
    }
    ranges
}

/// Everything that could be a code span or a comment, if it is not known where paragraphs begin and end.
pub(super) fn possible_ranges(text: &str) -> Vec<(usize, usize)> {
    let runs = backtick_runs(text);
    let opened = |length: usize| {
        let first = |length: usize| runs.get(&length).and_then(|begins| begins.first());
        // A run whose first mark is escaped is shorter by one.
        first(length).into_iter().chain(first(length + 1)).min().copied()
    };
    let spans = runs
        .iter()
        .filter_map(|(length, begins)| Some((opened(*length)?, *begins.last()?)));
    let mut ranges: Vec<(usize, usize)> = spans.filter(|(begin, end)| begin < end).collect();
    ranges.extend(text.find("<!--").zip(text.rfind("-->")));
    ranges.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (begin, end) in ranges {
        match merged.last_mut() {
            Some((_, last)) if begin <= *last => *last = end.max(*last),
            _ => merged.push((begin, end)),
        }
    }
    merged
}

/// Whether a place is in one of these ranges, which are sorted.
pub(super) fn is_hidden(ranges: &[(usize, usize)], at: usize) -> bool {
    let after = ranges.partition_point(|(begin, _)| *begin <= at);
    after.checked_sub(1).is_some_and(|last| at < ranges[last].1)
}

/// Where the runs of backticks of each length begin.
fn backtick_runs(text: &str) -> HashMap<usize, Vec<usize>> {
    let mut runs: HashMap<usize, Vec<usize>> = HashMap::new();
    let (bytes, mut at) = (text.as_bytes(), 0);
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
        if length > 0 {
            runs.entry(length).or_default().push(at);
        }
        at += length.max(1);
    }
    runs
}

/// The next run of this length, which closes a code span.
fn next_run(runs: &HashMap<usize, Vec<usize>>, length: usize, from: usize) -> Option<usize> {
    let begins = runs.get(&length)?;
    begins.get(begins.partition_point(|begin| *begin < from)).copied()
}
