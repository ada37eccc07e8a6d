//! The completeness check: arrivals, without repeated entries, equal what was sent, in order.

use std::collections::HashSet;
use std::fmt::Display;

/// Compares ids at a receiver with the ids sent.
///
/// # Errors
/// The first difference, as text.
pub(crate) fn compare(sent: &[impl Display], arrived: &[impl Display]) -> Result<(), String> {
    let sent: Vec<String> = sent.iter().map(ToString::to_string).collect();
    let mut seen = HashSet::new();
    let mut first = Vec::new();
    for id in arrived.iter().map(ToString::to_string) {
        if seen.insert(id.clone()) {
            first.push(id);
        }
    }
    if let Some(missing) = sent.iter().find(|id| !seen.contains(*id)) {
        return Err(format!(
            "{missing} never arrived ({} of {} did)",
            seen.len(),
            sent.len()
        ));
    }
    match sent.iter().zip(&first).find(|(sent, arrived)| sent != arrived) {
        Some((sent, arrived)) => Err(format!("{arrived} arrived instead of {sent}")),
        None if first.len() > sent.len() => Err(format!("{} arrived but was never sent", first[sent.len()])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_ordered_arrivals_pass_with_repetitions() {
        let sent = [1, 2, 3];
        for (arrived, is_right) in [
            (&[1, 2, 3][..], true),
            (&[1, 1, 2, 1, 3, 2, 3], true),
            (&[], false),
            (&[1, 3], false),
            (&[1, 2], false),
            (&[2, 1, 3], false),
            (&[1, 2, 3, 4], false),
            (&[1, 4, 2, 3], false),
        ] {
            assert_eq!(compare(&sent, arrived).is_ok(), is_right, "{arrived:?}");
        }
    }
}
