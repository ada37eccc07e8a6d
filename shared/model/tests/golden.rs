//! Golden files: the exact JSON and codes of everything that is stored in Postgres as JSON or as a code, or queued.
//!
//! Rows and messages outlive the release that wrote them, so a renamed Rust item must keep its name in JSON by `#[serde(rename)]`.
//! Types stored only column by column have no file here, as SQL names their columns: `Effect`, `LedgerRow`, `LedgerMerge`,
//! `EvidenceRef`, `SecurityReviewException`. The stored form of evidence is tested in `app`, the codes of evaluations in `store`,
//! the arguments and results of operator requests in `maintenance`.
//!
//! Nothing rewrites a golden file. A failure prints the new JSON; paste it only if every stored row and queued message can still be
//! read.

// The paths are explicit because Cargo would build each file directly below `tests/` as a separate program.
#[cfg(test)] // helpers of these modules too may unwrap
#[path = "golden/codes.rs"]
mod codes;
#[cfg(test)]
#[path = "golden/compare.rs"]
mod compare;
#[cfg(test)]
#[path = "golden/earlier.rs"]
mod earlier;
#[cfg(test)]
#[path = "golden/facts.rs"]
mod facts;
#[cfg(test)]
#[path = "golden/queue.rs"]
mod queue;
#[cfg(test)]
#[path = "golden/values.rs"]
mod values;
#[cfg(test)]
#[path = "golden/verdict.rs"]
mod verdict;
