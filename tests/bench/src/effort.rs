//! How much is measured.

/// Numbers of repetitions and rows.
#[derive(Debug, Clone)]
pub struct Effort {
    /// Starts of every binary.
    pub(super) starts: usize,
    /// Invocations of a warm function.
    pub(super) invocations: usize,
    /// Audit lines.
    pub(super) lines: usize,
    /// Entries of an embedded audit log, by destination and durability.
    pub(super) embedded: usize,
    /// Deliveries of 500 log lines.
    pub(super) log_deliveries: usize,
    /// Deliveries that are only recorded.
    pub(super) updates: u64,
    /// Merges without a security label.
    pub(super) plain_merges: u64,
    /// Merges that become exceptions.
    pub(super) exceptions: u64,
    /// Rows of the review ledger.
    pub(super) reviews: u64,
    /// Entries of the searched audit log.
    pub(super) entries: u64,
    /// Searches by each filter.
    pub(super) searches: usize,
    /// Rows in the event tables that are compared with an empty one.
    pub(super) rows: Vec<u64>,
    /// Also measure the baseline's processor, built by `stack.py baseline`.
    pub(super) baseline: bool,
    /// Too little to evaluate goals.
    quick: bool,
}

impl Effort {
    /// Enough to evaluate the goals. With `BENCH_FULL=1` also tables of ten million rows. `BENCH_AUDIT_ROWS` is the number of
    /// entries to search, `BENCH_ROWS` the sizes of the tables for the processor: comma-separated, 0 for only an empty one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the benchmark's own setting")]
    pub fn usual() -> Self {
        let full = std::env::var("BENCH_FULL").is_ok_and(|value| value == "1");
        let entries = std::env::var("BENCH_AUDIT_ROWS")
            .ok()
            .and_then(|value| value.parse().ok());
        let rows = std::env::var("BENCH_ROWS").ok().map(|text| sizes(&text));
        Self {
            starts: 30,
            invocations: 4_000,
            lines: 50_000,
            embedded: 3_000,
            log_deliveries: 200,
            updates: 5_000,
            plain_merges: 1_000,
            exceptions: 500,
            reviews: 1_000_000,
            entries: entries.unwrap_or(if full { 10_000_000 } else { 1_000_000 }),
            searches: 120,
            rows: rows.unwrap_or_else(|| [1_000_000].into_iter().chain(full.then_some(10_000_000)).collect()),
            baseline: false,
            quick: false,
        }
    }

    /// The same, also with the baseline's processor.
    #[must_use]
    pub fn with_baseline(self) -> Self {
        Self { baseline: true, ..self }
    }

    /// At most a tenth of everything, to test the benchmark itself.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            starts: 5,
            invocations: 200,
            lines: 2_000,
            embedded: 100,
            log_deliveries: 10,
            updates: 200,
            plain_merges: 50,
            exceptions: 20,
            reviews: 10_000,
            entries: 10_000,
            searches: 10,
            rows: vec![10_000],
            baseline: false,
            quick: true,
        }
    }

    /// What a larger effort would also measure.
    pub(super) fn left_out(&self) -> Vec<&'static str> {
        let left_out = [
            (
                self.quick,
                "reliable figures: a quick run only shows that the benchmark works",
            ),
            (
                !self.quick && !self.rows.contains(&1_000_000),
                "the processor with 10^6 rows: unset BENCH_ROWS",
            ),
            (
                !self.rows.contains(&10_000_000),
                "the processor and the search with 10^7 rows: set BENCH_FULL=1, which needs much more time and gigabytes of disk",
            ),
            (
                !self.baseline,
                "exceptions compared with an earlier commit: set BASELINE to the commit",
            ),
        ];
        left_out
            .into_iter()
            .filter_map(|(is_left_out, what)| is_left_out.then_some(what))
            .collect()
    }
}

/// Numbers of rows, without 0: an empty table is always measured.
fn sizes(text: &str) -> Vec<u64> {
    let sizes = text.split(',').filter_map(|size| size.trim().parse().ok());
    sizes.filter(|size| *size > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::{Effort, sizes};

    #[test]
    fn zero_is_not_a_size() {
        assert!(sizes("0").is_empty());
        assert_eq!(sizes("10000, 1000000"), [10_000_u64, 1_000_000]);
    }

    #[test]
    fn what_was_not_measured_is_said() {
        let mut effort = Effort::quick();
        assert_eq!(effort.left_out().len(), 3);
        effort.quick = false;
        effort.rows = vec![1_000_000, 10_000_000];
        assert_eq!(effort.left_out().len(), 1);
        assert!(effort.with_baseline().left_out().is_empty());
    }
}
