//! One entry, one line: for destinations where the end of a line ends the entry.

use std::borrow::Cow;

/// The line without breaks. Between the tokens of JSON a break means no more than a space, and inside its strings none can stand, so the
/// entry stays what it is; and nobody can write a second entry with the text of the first.
pub(super) fn one_line(line: &str) -> Cow<'_, str> {
    if line.contains(['\n', '\r']) {
        Cow::Owned(line.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(line)
    }
}
