//! One entry per line, for destinations where a line break ends the entry.

use std::borrow::Cow;

/// The line without breaks. Between JSON tokens a break is only whitespace, and JSON strings cannot contain one, so the entry keeps
/// its meaning; and no text can forge a second entry.
pub(super) fn one_line(line: &str) -> Cow<'_, str> {
    if line.contains(['\n', '\r']) {
        Cow::Owned(line.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(line)
    }
}
