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
    /// Entries of a trail embedded in another service, by destination and durability.
    pub(super) embedded: usize,
    /// Deliveries of 500 log lines.
    pub(super) log_deliveries: usize,
    /// Deliveries that are recorded and no more.
    pub(super) updates: u64,
    /// Merges without a security label.
    pub(super) plain_merges: u64,
    /// Merges that become exceptions.
    pub(super) exceptions: u64,
    /// Rows of the review ledger.
    pub(super) reviews: u64,
    /// Entries of the audit trail that is searched.
    pub(super) entries: u64,
    /// Searches by each filter.
    pub(super) searches: usize,
    /// Rows in the tables of events that are compared with an empty one.
    pub(super) rows: Vec<u64>,
}

impl Effort {
    /// What the goals are judged on. With `BENCH_FULL=1` also tables of ten million rows; `BENCH_AUDIT_ROWS` is the number of
    /// entries to be searched.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the benchmark's own setting")]
    pub fn usual() -> Self {
        let full = std::env::var("BENCH_FULL").is_ok_and(|value| value == "1");
        let entries = std::env::var("BENCH_AUDIT_ROWS")
            .ok()
            .and_then(|value| value.parse().ok());
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
            rows: [1_000_000].into_iter().chain(full.then_some(10_000_000)).collect(),
        }
    }

    /// A tenth or less of everything, to try the benchmark itself.
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
        }
    }

    /// What a bigger effort would measure.
    pub(super) fn left_out(&self) -> Vec<&'static str> {
        let sizes = [
            (
                1_000_000,
                "anything to rely on: a quick run shows only that the benchmark works",
            ),
            (
                10_000_000,
                "the processor beside 10^7 rows, and the search among them: set BENCH_FULL=1, which takes much longer and gigabytes of disk",
            ),
        ];
        let left_out = sizes.into_iter().filter(|(rows, _)| !self.rows.contains(rows));
        left_out.map(|(_, what)| what).collect()
    }
}
