//! The name of an action that another service defines.

/// Longest name, in bytes: readers of the audit log reject longer names.
const LONGEST: usize = 128;

/// A name of the form `system.part.verb`: 1 to 128 of `a` to `z`, digits and `_`, in two or more parts separated by dots.
///
/// Make it a constant, so that an invalid name does not compile:
///
/// ```
/// use audit::{Action, ActionName};
///
/// const TASK_STARTED: Action = Action::Own(ActionName::new("copilot.task.started").unwrap());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActionName(&'static str);

impl ActionName {
    /// `None`: the name does not have that form.
    #[must_use]
    pub const fn new(name: &'static str) -> Option<Self> {
        if is_name(name) { Some(Self(name)) } else { None }
    }

    pub(super) fn as_str(self) -> &'static str {
        self.0
    }
}

const fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut index, mut dots, mut part_length) = (0, 0, 0);
    while index < bytes.len() {
        match bytes[index] {
            b'.' if part_length > 0 => {
                dots += 1;
                part_length = 0;
            }
            b'a'..=b'z' | b'0'..=b'9' | b'_' => part_length += 1,
            _ => return false,
        }
        index += 1;
    }
    dots > 0 && part_length > 0 && bytes.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_parts_and_nothing_else() {
        for name in ["a.b", "copilot.task.started", "jira.api.get_issue", "v2.x_1"] {
            assert!(is_name(name), "{name:?}");
        }
        let long = format!("a.{}", "b".repeat(127));
        let refused = [
            "", "a", ".", "a.", ".a", "a..b", "A.b", "a.b c", "a.\n", "ä.b", "a.b-c", &long,
        ];
        for name in refused {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
