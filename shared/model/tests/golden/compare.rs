//! Comparison of a value with its golden file, in both directions.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Further differences add no information.
const SHOWN: usize = 20;

/// Checks that the value serializes to the file and the file parses to the value.
pub(crate) fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(file: &str, value: &T) {
    written(file, value);
    parsed(file, value);
}

/// As [`same`], for a value with every field set: a null or an empty list would not test the names inside.
pub(crate) fn same_and_full<T: Serialize + DeserializeOwned + PartialEq + Debug>(file: &str, value: &T) {
    let mut empty = Vec::new();
    find_empty(&serde_json::to_value(value).unwrap(), "", &mut empty);
    assert!(
        empty.is_empty(),
        "the value for {file} must have every field set; empty or null: {empty:?}"
    );
    same(file, value);
}

/// Checks that the value serializes to the file.
pub(crate) fn written<T: Serialize>(file: &str, value: &T) {
    let now = serde_json::to_value(value).unwrap();
    let mut found = Vec::new();
    match serde_json::from_str(&read_golden(file)) {
        Ok(golden) => differences(&golden, &now, "", &mut found),
        Err(error) => found.push(format!("the file is missing or no JSON: {error}")),
    }
    if found.is_empty() {
        return;
    }
    let more = found.len().saturating_sub(SHOWN);
    let mut list = found.iter().take(SHOWN).fold(String::new(), |mut list, one| {
        let _ = writeln!(list, "  {one}");
        list
    });
    if more > 0 {
        let _ = writeln!(list, "  and {more} more");
    }
    panic!(
        "shared/model/tests/golden/{file} differs from what is written now:\n{list}\n\
         Rows and queued messages with the old names exist. If a Rust item was renamed, keep its name with #[serde(rename)].\n\
         If the format is meant to change: make sure that old rows and messages can still be read, keep the old form in a\n\
         file of golden/earlier.rs, then replace the content of {file} with\n\n{}\n",
        serde_json::to_string_pretty(&now).unwrap()
    );
}

/// Checks that the file parses to the value, which may serialize differently today.
pub(crate) fn parsed<T: DeserializeOwned + PartialEq + Debug>(file: &str, value: &T) {
    let text = read_golden(file);
    let unreadable = |error: serde_json::Error| -> T {
        panic!(
            "shared/model/tests/golden/{file} can no longer be read, so neither can stored rows and messages: {error}"
        )
    };
    // Queues hold text, `jsonb` columns arrive as values; the two parsers differ for flattened and tagged types.
    let from_text: T = serde_json::from_str(&text).unwrap_or_else(unreadable);
    let from_value: T = serde_json::from_str(&text)
        .and_then(serde_json::from_value)
        .unwrap_or_else(unreadable);
    for read in [from_text, from_value] {
        assert_eq!(
            &read, value,
            "shared/model/tests/golden/{file} is read as something else (left) than it means (right)"
        );
    }
}

/// The text of a golden file; empty if it is missing, so that the comparison prints the expected content.
fn read_golden(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    std::fs::read_to_string(path).unwrap_or_default()
}

fn find_empty(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                find_empty(field, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                find_empty(item, &format!("{path}/{index}"), found);
            }
        }
        Value::Null | Value::Object(_) | Value::Array(_) => found.push(path.to_owned()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// Each place where the two differ, as a JSON pointer.
fn differences(golden: &Value, now: &Value, path: &str, found: &mut Vec<String>) {
    match (golden, now) {
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let path = format!("{path}/{name}");
                match (old.get(name), new.get(name)) {
                    (Some(old), Some(new)) => differences(old, new, &path, found),
                    (Some(_), None) => found.push(format!("{path} is no longer written")),
                    _ => found.push(format!("{path} is new")),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                differences(old, new, &format!("{path}/{index}"), found);
            }
        }
        _ if golden != now => found.push(format!("{path} was {} and is {}", short(golden), short(now))),
        _ => (),
    }
}

/// The whole new value is printed below the differences.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}

#[test]
#[should_panic(expected = "effect_message.json differs from what is written now:\n  /attempts is no longer written\n")]
fn a_lost_name_is_reported_with_its_file() {
    let mut value: Value = serde_json::from_str(&read_golden("effect_message.json")).unwrap();
    value.as_object_mut().unwrap().remove("attempts");
    written("effect_message.json", &value);
}

#[test]
#[should_panic(expected = "must have every field set; empty or null: [\"/0/proof\"]")]
fn an_unset_field_is_reported() {
    same_and_full("effect_message.json", &serde_json::json!([{"proof": null}]));
}
