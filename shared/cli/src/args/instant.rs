//! Times as users write them: instants, days, and durations before now.

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::output::CommandError;

/// A time on the command line. Relative to now, which is known only when the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instant {
    /// `2026-11-23T12:00:00Z`, or with another offset.
    At(Timestamp),
    /// `2026-11-23`, in UTC.
    Day(Date),
    /// `24h`, `7d`: this long ago.
    Ago(SignedDuration),
}

const FORMS: &str =
    "expected 2026-11-23T12:00:00Z, 2026-11-23 (a whole day, UTC), or a duration before now: 90s, 30m, 24h, 7d, 2w";

impl Instant {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(ago) = ago(text) {
            return Ok(Self::Ago(ago));
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        // A date alone; jiff would also read the date of a longer text.
        if text.len() == "2026-11-23".len() {
            return text.parse().map(Self::Day).map_err(|_| FORMS);
        }
        Err(FORMS)
    }

    /// As the beginning of a range: a day from its first moment.
    pub(crate) fn begin(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Day(day) => midnight(day),
            Self::Ago(ago) => now.checked_sub(ago).ok(),
        }
    }

    /// As the end of a range: a day inclusively.
    pub(crate) fn end(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Day(day) => midnight(day.tomorrow().ok()?),
            other => other.begin(now),
        }
    }
}

/// `--since` and `--until`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Times {
    /// From this time: 2026-11-23T12:00:00Z, 2026-11-23, or a duration before now: 30m, 24h, 7d
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    since: Option<Instant>,
    /// Before this time; a day is included
    #[arg(long, value_name = "TIME", value_parser = Instant::parse)]
    until: Option<Instant>,
}

impl Times {
    pub(crate) fn period(self, now: Timestamp) -> Result<Period, CommandError> {
        Period::of(self.since, self.until, now)
    }
}

/// A period from the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Period {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl Period {
    /// `--since` and `--until` as instants.
    pub(crate) fn of(since: Option<Instant>, until: Option<Instant>, now: Timestamp) -> Result<Self, CommandError> {
        let out_of_range = || CommandError::Usage("time out of range".to_owned());
        let since = since
            .map(|since| since.begin(now).ok_or_else(out_of_range))
            .transpose()?;
        let until = until.map(|until| until.end(now).ok_or_else(out_of_range)).transpose()?;
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(CommandError::Usage(format!(
                "--since {since:.3} is not before --until {until:.3}"
            )));
        }
        Ok(Self { since, until })
    }
}

fn midnight(day: Date) -> Option<Timestamp> {
    let midnight = day.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp())
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: i64 = digits.parse().ok()?;
    count.checked_mul(seconds).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_parsed_as_a_period() {
        let now = at("2026-11-23T12:00:00Z");
        let cases = [
            ("2026-11-20T08:30:00Z", "2026-11-20T08:30:00Z", "2026-11-20T08:30:00Z"),
            (
                "2026-11-20T08:30:00.123+02:00",
                "2026-11-20T06:30:00.123Z",
                "2026-11-20T06:30:00.123Z",
            ),
            ("2026-11-20", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
            ("90s", "2026-11-23T11:58:30Z", "2026-11-23T11:58:30Z"),
            ("30m", "2026-11-23T11:30:00Z", "2026-11-23T11:30:00Z"),
            ("24h", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"),
            ("7d", "2026-11-16T12:00:00Z", "2026-11-16T12:00:00Z"),
            ("2w", "2026-11-09T12:00:00Z", "2026-11-09T12:00:00Z"),
        ];
        for (text, begin, end) in cases {
            let instant = Instant::parse(text).unwrap();
            assert_eq!(
                (instant.begin(now), instant.end(now)),
                (Some(at(begin)), Some(at(end))),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused_and_nothing_panics() {
        for text in [
            "",
            "h",
            "-1h",
            "1y",
            "yesterday",
            "2026-11-31",
            "2026-11-23T12:00:00",
            "2026-11-23 noon",
            "99999999999999999999d",
            "ä",
            "1ä",
        ] {
            assert_eq!(Instant::parse(text), Err(FORMS), "{text:?}");
        }
        let far = Instant::parse("9000000000000s").unwrap();
        assert_eq!(far.begin(at("2026-11-23T12:00:00Z")), None);
    }
}
