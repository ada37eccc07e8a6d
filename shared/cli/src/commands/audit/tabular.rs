//! An entry as one row of a table.

use serde_json::Value;
use store::AuditRow;

use crate::output::table::Cell;
use crate::output::terminal::{Style, sanitize};

pub(super) fn heads() -> Vec<Cell> {
    vec![
        Cell::new("TIME"),
        Cell::new("ACTION"),
        Cell::new("TARGET"),
        Cell::new("OUTCOME"),
        Cell::new("TOOK").right(),
        Cell::new("SERVICE"),
        Cell::new("ACTOR"),
        Cell::new("CORRELATION"),
    ]
}

pub(super) fn row(entry: &AuditRow) -> Vec<Cell> {
    vec![
        Cell::new(format!("{:.3}", entry.timestamp)),
        Cell::new(sanitize(&entry.action)),
        Cell::new(sanitize(&entry.target_key)),
        outcome(entry),
        Cell::new(entry.duration_ms.map(milliseconds).unwrap_or_default()).right(),
        Cell::new(sanitize(&entry.service)),
        Cell::new(entry.actor_type_code()).style(Style::Dim),
        Cell::new(entry.correlation_id.to_string()).style(Style::Dim),
    ]
}

/// `success`, or the class of the failure with the entry's code: `auth_failure bad_signature`, `not_found 404`.
pub(crate) fn outcome(entry: &AuditRow) -> Cell {
    let Some(class) = entry.error else {
        return Cell::new("success").style(Style::Green);
    };
    let code = ["reason", "http_status", "code"]
        .iter()
        .find_map(|name| match entry.details.get(*name)? {
            Value::String(text) if is_code(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
    let text = match code {
        Some(code) => format!("{} {code}", class.as_str()),
        None => class.as_str().to_owned(),
    };
    Cell::new(text).style(Style::Red)
}

/// A code such as `bad_signature`, not a sentence.
fn is_code(text: &str) -> bool {
    text.len() <= 40
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}

/// With useful precision: `0.4 ms`, `12 ms`, `3.2 s`.
pub(crate) fn milliseconds(took: f64) -> String {
    match took {
        took if took >= 9_950.0 => format!("{:.0} s", took / 1000.0),
        took if took >= 999.5 => format!("{:.1} s", took / 1000.0),
        took if took >= 9.95 => format!("{took:.0} ms"),
        took => format!("{took:.1} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_digits_that_mean_something() {
        let cases = [
            (0.0, "0.0 ms"),
            (0.42, "0.4 ms"),
            (9.94, "9.9 ms"),
            (9.96, "10 ms"),
            (999.4, "999 ms"),
            (999.6, "1.0 s"),
            (3_249.0, "3.2 s"),
            (61_000.0, "61 s"),
        ];
        for (took, text) in cases {
            assert_eq!(milliseconds(took), text);
        }
    }
}
