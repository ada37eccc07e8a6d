//! The comparison that ends every test here: printed lines against arrivals.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use uuid::Uuid;

use super::producer::Producer;

/// Whether the arrivals, without repeated ids, are exactly what these streams printed, each stream in order.
pub(super) fn compare(printed: &[&Producer], arrived: &[Value]) -> Result<(), String> {
    let mut known = BTreeSet::new();
    let id = |line: &Value| line["id"].as_str().and_then(|id| id.parse::<Uuid>().ok());
    let first: Vec<&Value> = arrived.iter().filter(|line| known.insert(id(line))).collect();
    // The recorder's own entries have no stream here.
    let of_others = first.iter().filter(|line| line["service"] != "recorder");
    let mut streams: HashMap<String, Vec<&Value>> = HashMap::new();
    for line in of_others {
        let stream = line["stream"]["id"].as_str().unwrap_or_default().to_owned();
        streams.entry(stream).or_default().push(line);
    }
    for producer in printed {
        let entries = producer.entries();
        let stream = entries[0]["stream"]["id"].as_str().unwrap_or_default();
        let arrived = streams.remove(stream).unwrap_or_default();
        for (number, entry) in entries.iter().enumerate() {
            match arrived.get(number) {
                Some(same) if *same == entry => (),
                Some(other) => {
                    return Err(format!(
                        "place {number} of {stream}: {other} arrived, {entry} was printed"
                    ));
                }
                None => return Err(format!("{entry} never arrived")),
            }
        }
        if arrived.len() > entries.len() {
            return Err(format!(
                "{stream} printed {} entries, {} arrived",
                entries.len(),
                arrived.len()
            ));
        }
    }
    streams
        .keys()
        .next()
        .map_or(Ok(()), |stream| Err(format!("no producer printed {stream}")))
}

#[test]
fn comparison_finds_lost_forged_altered_or_reordered_entries() {
    let (one, other) = (Producer::with(5), Producer::with(5));
    let whole: Vec<Value> = one.entries().into_iter().chain(other.entries()).collect();
    let compare = |arrived: &[Value]| compare(&[&one, &other], arrived);
    assert_eq!(compare(&whole), Ok(()));
    let twice: Vec<Value> = whole.iter().chain(&whole).cloned().collect();
    assert_eq!(compare(&twice), Ok(()), "repetitions are dropped by id");
    for lost in 0..whole.len() {
        let mut less = whole.clone();
        less.remove(lost);
        assert!(compare(&less).is_err(), "{lost} is lost");
    }
    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    assert!(compare(&swapped).is_err());
    let mut altered = whole.clone();
    altered[3]["outcome"] = "failure".into();
    assert!(compare(&altered).is_err());
    let forged: Vec<Value> = whole.iter().cloned().chain(Producer::with(1).entries()).collect();
    assert!(compare(&forged).is_err());
}
