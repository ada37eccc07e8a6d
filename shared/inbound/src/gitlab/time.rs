//! Every form in which GitLab writes an instant.

use jiff::Timestamp;

/// Longer than every format; longer texts are not timestamps and are not read.
const MAX_BYTES: usize = 64;

/// Reads a timestamp of a webhook or of the REST API.
///
/// Webhooks of a self-managed instance use its time zone (`2026-01-31 19:29:18 +0100`), GitLab.com writes `2026-01-16 05:56:22
/// UTC`, commits have ISO 8601 with an offset and everything else ISO 8601 with `Z`. One sample of GitLab's documentation has a
/// space within the time (`2015-04-08T21: 00:25-07:00`) and is accepted.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_BYTES || !text.is_ascii() {
        return None;
    }
    let (date, time) = text.split_at_checked("2026-01-31".len())?;
    let time = time.strip_prefix([' ', 'T', 't'])?;
    let time = time
        .strip_suffix("UTC")
        .map_or_else(|| time.to_owned(), |time| format!("{time}Z"));
    format!("{date}T{}", time.replace(' ', "")).parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_time_format_is_read_correctly() {
        let cases = [
            ("2026-01-31 19:29:18 +0100", "2026-01-31T18:29:18Z"),
            ("2026-01-31 19:29:18 -0330", "2026-01-31T22:59:18Z"),
            ("2026-01-16 05:56:22 UTC", "2026-01-16T05:56:22Z"),
            ("2013-12-03T17:23:34Z", "2013-12-03T17:23:34Z"),
            ("2017-09-20T08:31:45.944Z", "2017-09-20T08:31:45.944Z"),
            ("2026-01-31T19:03:52+01:00", "2026-01-31T18:03:52Z"),
            ("2026-01-31T19:03:52.123+01:00", "2026-01-31T18:03:52.123Z"),
            ("2015-04-08T21: 00:25-07:00", "2015-04-09T04:00:25Z"),
            (" 2026-01-16 05:56:22 UTC\n", "2026-01-16T05:56:22Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_timestamp(text), Some(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn time_without_zone_and_other_texts_are_unreadable() {
        let long = format!("2026-01-31 19:29:18{}+0100", " ".repeat(80));
        for text in [
            "",
            "2026-01-31",
            "2026-01-31 19:29:18",
            "yesterday",
            "1767225600",
            "2026-13-01 00:00:00 UTC",
            &long,
            "2026-01-31Ŧ1",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), close in "[0-9TZ: +.UC-]{0,30}") {
            let _ = parse_timestamp(&text);
            let _ = parse_timestamp(&format!("2026-01-31{close}"));
        }
    }
}
