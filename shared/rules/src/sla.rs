//! Service levels: how long a review may take by tier, counted by the calendar or in business hours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use model::ServiceLevel;
use serde::{Deserialize, Serialize};

/// Maximum days counted: bounds the work, years beyond any target.
const MOST_DAYS: i32 = 3_660;

/// The longest allowed target.
pub(crate) const LONGEST_TARGET: SignedDuration = SignedDuration::from_hours(24 * MOST_DAYS as i64);

/// Targets and how they are counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sla {
    /// The target of each tier that has one.
    pub targets: BTreeMap<String, SignedDuration>,
    /// Business hours; `None`: every hour counts.
    pub business: Option<BusinessHours>,
}

/// When the business-hours clock runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessHours {
    /// IANA name of the time zone.
    pub time_zone: String,
    /// Working days, by number: Monday is 1.
    pub days: BTreeSet<i8>,
    /// From this time of the day on.
    pub from: Time,
    /// Before this time of the day.
    pub to: Time,
    pub holidays: BTreeSet<Date>,
}

/// The service level of a review, if its tier has a target.
pub(crate) fn measured(
    sla: &Sla,
    tier: &str,
    labelled_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
) -> Option<ServiceLevel> {
    let target = *sla.targets.get(tier)?;
    let elapsed = labelled_at
        .zip(answered_at)
        .filter(|(labelled, answered)| labelled <= answered)
        .map(|(labelled, answered)| sla.elapsed(labelled, answered))
        // At the database's precision.
        .map(|elapsed| SignedDuration::from_millis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)));
    Some(ServiceLevel { target, elapsed })
}

impl Sla {
    /// The counted time between two times.
    #[must_use]
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        match &self.business {
            None => to.duration_since(from),
            Some(hours) => hours.between(from, to),
        }
    }
}

impl BusinessHours {
    /// The length of a working day.
    pub(crate) fn day(&self) -> SignedDuration {
        self.to.duration_since(self.from)
    }

    fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        // Parsing the rules file rejects unknown zones.
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        let (mut day, last) = (from.to_zoned(zone.clone()).date(), to.to_zoned(zone.clone()).date());
        let mut counted = SignedDuration::ZERO;
        for _ in 0..MOST_DAYS {
            if day > last {
                break;
            }
            if let Some((opens, closes)) = self.window(day, &zone) {
                let (begin, end) = (opens.max(from), closes.min(to));
                if begin < end {
                    counted += end.duration_since(begin);
                }
            }
            match day.tomorrow() {
                Ok(tomorrow) => day = tomorrow,
                Err(_) => break,
            }
        }
        counted
    }

    /// The hours of a day; an hour shorter or longer at a clock change, as local time.
    fn window(&self, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let works = self.days.contains(&day.weekday().to_monday_one_offset()) && !self.holidays.contains(&day);
        let instant = |time: Time| zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok();
        works.then(|| Some((instant(self.from)?, instant(self.to)?))).flatten()
    }
}

/// `mon` ... `sun`.
pub(crate) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

/// `90m`, `4h`, `3d`: with business hours a day has their length.
pub(crate) fn duration(text: &str, day: SignedDuration) -> Option<SignedDuration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => SignedDuration::from_mins(1),
        "h" => SignedDuration::from_hours(1),
        "d" => day,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    unit.checked_mul(digits.parse().ok()?)
        .filter(|target| target.is_positive() && *target <= LONGEST_TARGET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn office() -> Sla {
        let business = BusinessHours {
            time_zone: "Europe/Berlin".to_owned(),
            days: (1..=5).collect(),
            from: Time::constant(9, 0, 0, 0),
            to: Time::constant(17, 0, 0, 0),
            holidays: ["2026-04-03".parse().unwrap()].into(),
        };
        Sla {
            targets: [("high".to_owned(), SignedDuration::from_hours(8))].into(),
            business: Some(business),
        }
    }

    #[test]
    fn the_calendar_counts_every_hour() {
        let sla = Sla::default();
        assert_eq!(
            sla.elapsed(at("2026-03-06T16:00:00Z"), at("2026-03-09T10:00:00Z")),
            SignedDuration::from_hours(66)
        );
    }

    /// Hours count in the time zone of the rules.
    #[test]
    fn business_hours_skip_nights_weekends_and_holidays() {
        let cases = [
            // Within a day; Berlin is an hour ahead of UTC in March.
            ("2026-03-02T09:00:00Z", "2026-03-02T11:30:00Z", 150),
            // Overnight.
            ("2026-03-02T15:00:00Z", "2026-03-03T09:00:00Z", 120),
            // Over a weekend.
            ("2026-03-06T15:00:00Z", "2026-03-09T09:00:00Z", 120),
            // Over Good Friday and the weekend; by then Berlin is two hours ahead.
            ("2026-04-02T14:00:00Z", "2026-04-06T08:00:00Z", 120),
            // Completely outside.
            ("2026-03-07T00:00:00Z", "2026-03-08T23:00:00Z", 0),
            ("2026-03-02T17:00:00Z", "2026-03-02T18:00:00Z", 0),
            ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z", 0),
        ];
        for (from, to, minutes) in cases {
            let elapsed = office().elapsed(at(from), at(to));
            assert_eq!(elapsed, SignedDuration::from_mins(minutes), "{from} {to}");
        }
    }

    #[test]
    fn service_level_requires_target_and_known_times() {
        let sla = office();
        let (labelled, answered) = (at("2026-03-02T09:00:00Z"), at("2026-03-02T10:00:00Z"));
        assert_eq!(measured(&sla, "low", Some(labelled), Some(answered)), None);
        let elapsed = |labelled, answered| measured(&sla, "high", labelled, answered).unwrap().elapsed;
        assert_eq!(
            elapsed(Some(labelled), Some(answered)),
            Some(SignedDuration::from_hours(1))
        );
        assert_eq!(elapsed(None, Some(answered)), None);
        assert_eq!(elapsed(Some(labelled), None), None);
        assert_eq!(elapsed(Some(answered), Some(labelled)), None, "never negative");
    }

    #[test]
    fn a_target_is_minutes_hours_or_days() {
        let day = SignedDuration::from_hours(8);
        for (text, hours) in [("4h", 4), ("120m", 2), ("3d", 24)] {
            assert_eq!(duration(text, day), Some(SignedDuration::from_hours(hours)), "{text}");
        }
        for text in [
            "",
            "h",
            "0h",
            "-1h",
            "4",
            "4w",
            "1.5h",
            "ä",
            "99999999999999999999h",
            "87841h",
        ] {
            assert_eq!(duration(text, day), None, "{text}");
        }
    }
}
