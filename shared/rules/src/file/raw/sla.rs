//! `sla`: how long reviews may take, and by which clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Problems;
use crate::sla::{BusinessHours, Sla, duration, weekday};
use crate::{Tier, UNCLASSIFIED};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSla {
    targets: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    business_hours: Option<RawHours>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHours {
    time_zone: Spanned<String>,
    #[serde(default)]
    days: Option<Vec<Spanned<String>>>,
    from: Spanned<String>,
    to: Spanned<String>,
    #[serde(default)]
    holidays: Vec<Spanned<String>>,
}

pub(super) fn checked(problems: &mut Problems, raw: Spanned<RawSla>, tiers: &[Tier]) -> Sla {
    let RawSla {
        targets,
        business_hours,
    } = raw.value;
    let business = business_hours.and_then(|hours| hours_of(problems, &hours));
    // A day of business hours has their length.
    let day = business
        .as_ref()
        .map_or(SignedDuration::from_hours(24), BusinessHours::day);
    let mut sla = Sla {
        targets: BTreeMap::new(),
        business,
    };
    for (tier, text) in targets {
        if tier != UNCLASSIFIED && tiers.iter().all(|known| known.name != tier) {
            problems.refuse(&text, &format!("sla: {tier:?} is not a tier of this file"));
        }
        match duration(&text.value, day) {
            Some(target) => drop(sla.targets.insert(tier, target)),
            None => problems.refuse(
                &text,
                "sla: a target must be a number of minutes, hours or days, ten years at most, such as 90m, 4h, 3d",
            ),
        }
    }
    sla
}

fn hours_of(problems: &mut Problems, raw: &RawHours) -> Option<BusinessHours> {
    if TimeZone::get(&raw.time_zone.value).is_err() {
        problems.refuse(
            &raw.time_zone,
            "sla: time_zone must be an IANA name such as Europe/Berlin",
        );
    }
    let mut days: BTreeSet<i8> = BTreeSet::new();
    for word in raw.days.iter().flatten() {
        match weekday(&word.value) {
            Some(day) => drop(days.insert(day.to_monday_one_offset())),
            None => problems.refuse(word, "sla: days must be mon, tue, wed, thu, fri, sat or sun"),
        }
    }
    if days.is_empty() {
        days.extend(1..=5);
    }
    let mut holidays: BTreeSet<Date> = BTreeSet::new();
    for text in &raw.holidays {
        match text.value.parse() {
            Ok(day) => drop(holidays.insert(day)),
            Err(_) => problems.refuse(text, "sla: a holiday must be a date such as 2026-12-25"),
        }
    }
    let (from, to) = (time(problems, &raw.from)?, time(problems, &raw.to)?);
    if from >= to {
        problems.refuse(&raw.to, "sla: business hours must end after they begin");
        return None;
    }
    Some(BusinessHours {
        time_zone: raw.time_zone.value.clone(),
        days,
        from,
        to,
        holidays,
    })
}

fn time(problems: &mut Problems, text: &Spanned<String>) -> Option<Time> {
    let read = Time::strptime("%H:%M", &text.value).ok();
    if read.is_none() {
        problems.refuse(text, "sla: a time of day must have the form 09:00");
    }
    read
}
