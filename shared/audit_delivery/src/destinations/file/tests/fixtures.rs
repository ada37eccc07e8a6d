//! A folder with one destination, numbered entries, and the check that nothing is missing.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::destination::{DeliveryError, Destination as _, Outgoing};
use crate::destinations::FileDestination;
use audit::FailureClass;

pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn destination(&self) -> FileDestination {
        FileDestination::new(self.path("audit.jsonl"))
    }

    pub(super) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

/// Entry number `number`, about as long as a real one.
pub(super) fn line(number: u64) -> String {
    let id = Uuid::from_u128(number.into());
    format!(r#"{{"event_type":"audit","action":"gitlab.api.get_mr_details","id":"{id}","number":{number}}}"#)
}

/// The text of a file with these entries.
pub(super) fn entries(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers.into_iter().map(|number| line(number) + "\n").collect()
}

pub(super) fn deliver(file: &mut FileDestination, numbers: impl IntoIterator<Item = u64>) -> Result<(), DeliveryError> {
    let lines: Vec<(u64, String)> = numbers.into_iter().map(|number| (number, line(number))).collect();
    let batch: Vec<Outgoing<'_>> = lines
        .iter()
        .map(|(number, line)| Outgoing {
            position: *number,
            id: Uuid::from_u128((*number).into()),
            line,
        })
        .collect();
    file.deliver(&batch)
}

/// The class and message of a failure that asks for a retry.
pub(super) fn unavailable(result: Result<(), DeliveryError>) -> (FailureClass, String) {
    match result {
        Err(DeliveryError::Unavailable { class, message, .. }) => (class, message),
        other => panic!("{other:?}"),
    }
}

/// The numbers of the entries in a text; other lines have none.
pub(super) fn numbers(text: &str) -> Vec<u64> {
    let parsed = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    parsed.filter_map(|entry| entry["number"].as_u64()).collect()
}

/// Checks that the files, oldest first, hold the entries 1 to `last` in order, ignoring duplicates.
pub(super) fn check(names: &[&str], folder: &Folder, last: u64) -> Result<(), String> {
    let mut known = HashSet::new();
    let mut seen: Vec<u64> = names.iter().flat_map(|name| numbers(&folder.text(name))).collect();
    seen.retain(|number| known.insert(*number));
    if seen == (1..=last).collect::<Vec<_>>() {
        Ok(())
    } else {
        Err(format!("expected 1 to {last}, found {seen:?}"))
    }
}
