//! Time since the beginning.

use jiff::Timestamp;

/// `+0.012s`, `+2m03.4s`, `+1h04m`, `+3d02h`: with useful precision at that distance.
pub(super) fn offset(begin: Timestamp, at: Timestamp) -> String {
    let millis = at.as_millisecond().saturating_sub(begin.as_millisecond());
    let (sign, millis) = (if millis < 0 { '-' } else { '+' }, millis.unsigned_abs());
    let (seconds, minutes, hours) = (millis / 1000, millis / 60_000, millis / 3_600_000);
    match hours {
        0 if minutes == 0 => format!("{sign}{seconds}.{:03}s", millis % 1000),
        0 => format!("{sign}{minutes}m{:02}.{}s", seconds % 60, millis % 1000 / 100),
        1..48 => format!("{sign}{hours}h{:02}m", minutes % 60),
        _ => format!("{sign}{}d{:02}h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_offsets_are_more_precise() {
        let cases = [
            (0, "+0.000s"),
            (12, "+0.012s"),
            (59_999, "+59.999s"),
            (123_456, "+2m03.4s"),
            (3_840_000, "+1h04m"),
            (180_000_000, "+2d02h"),
            (-5, "-0.005s"),
        ];
        let begin = Timestamp::from_millisecond(1_790_000_000_000).unwrap();
        for (millis, text) in cases {
            let at = Timestamp::from_millisecond(1_790_000_000_000 + millis).unwrap();
            assert_eq!(offset(begin, at), text);
        }
    }
}
