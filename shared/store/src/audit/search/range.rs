//! Text prefixes and times, as ranges that an index can answer.

use jiff::Timestamp;
use uuid::Uuid;

/// The smallest text, by bytes, that is greater than every text with this prefix; `None`: no such text.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // UTF-8 sorts by code point; code points that are not characters are skipped.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

/// The smallest id of an entry at or after a time, as `countersign_uuid7_floor` makes it. Entries have whole milliseconds, so a
/// more precise time begins with the next.
pub(super) fn first_id(at: Timestamp) -> Uuid {
    let millis = at.as_nanosecond().div_euclid(1_000_000) + i128::from(at.as_nanosecond().rem_euclid(1_000_000) != 0);
    let millis = u64::try_from(millis).unwrap_or(0);
    Uuid::from_u128(u128::from(millis) << 80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefix_end_is_the_next_text() {
        let cases = [
            ("", None),
            ("gitlab.api.", Some("gitlab.api/")),
            ("a\u{7f}", Some("a\u{80}")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ];
        for (prefix, end) in cases {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }

    proptest! {
        #[test]
        fn prefix_range_contains_exactly_the_matching_texts(
            prefix in "[a-c\u{d7ff}\u{10ffff}]{0,3}",
            text in "[a-c\u{d7ff}\u{e000}\u{10ffff}]{0,5}",
        ) {
            let inside = text >= prefix && after_prefix(&prefix).is_none_or(|end| text < end);
            prop_assert_eq!(inside, text.starts_with(&prefix));
        }

        #[test]
        fn first_id_of_instant_bounds_later_entries(at in 0_i64..4_000_000_000_000_000, millis in 0_i64..4_000_000_000_000) {
            let at = Timestamp::from_microsecond(at).unwrap();
            let entry = Timestamp::from_millisecond(millis).unwrap();
            prop_assert_eq!(audit::entry_id(entry, "any") >= first_id(at), entry >= at);
        }
    }

    #[test]
    fn instant_before_1970_starts_at_nil_id() {
        assert_eq!(first_id("1969-12-31T23:59:59Z".parse().unwrap()), Uuid::nil());
    }
}
