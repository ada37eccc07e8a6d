//! Settings of an audit log: directory, destinations, durability, and behaviour when the disk fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use model::{Clock, SystemClock};

use crate::destination::Destination;

/// When an entry is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before the write returns. Writers that wait at the same time share one fdatasync.
    EachEntry,
    /// At most this long, plus one fdatasync, after the write has returned. A power cut can lose the entries of that time; the
    /// death of only the process loses none.
    Within(Duration),
}

/// What a write does while the disk fails: full, read-only, faulty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFull {
    /// It blocks: immediately with [`Durability::EachEntry`], else when [`Limits::memory_bytes`] are used up. Nothing is lost, but
    /// the service waits until there is space.
    Block,
    /// It returns, with the entry in memory. Entries beyond [`Limits::memory_bytes`] are not recorded: [`Health::not_recorded`]
    /// counts them, and their numbers are missing in `stream.seq`.
    ///
    /// [`Health::not_recorded`]: super::Health::not_recorded
    Report,
}

/// Sizes. The defaults fit almost every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A segment that has reached this size is followed by a new one. 8 MiB.
    pub segment_bytes: u64,
    /// How much may wait in memory for the disk. 8 MiB.
    pub memory_bytes: usize,
    /// Most entries in one batch. 500.
    pub batch_entries: usize,
    /// Most bytes in one batch; a single entry may be longer. 1 MiB.
    pub batch_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            memory_bytes: 8 << 20,
            batch_entries: 500,
            batch_bytes: 1 << 20,
        }
    }
}

/// How long to wait after a destination fails: doubled with each failure in a row, half of it random; retries never end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryBackoff {
    /// After the first failure. 1 second.
    pub first: Duration,
    /// At most. 5 minutes.
    pub longest: Duration,
}

impl Default for DeliveryBackoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(5),
        }
    }
}

impl DeliveryBackoff {
    /// The wait after this many failures in a row; `chance` is any unpredictable number. Never less than the destination asks for,
    /// which may be longer than [`Self::longest`].
    pub(super) fn wait(&self, failures: u32, chance: u64, asked: Option<Duration>) -> Duration {
        let signed = |wait: Duration| SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let doubled = model::Backoff::new(signed(self.first), signed(self.longest));
        let failures = i32::try_from(failures).unwrap_or(i32::MAX);
        let most = doubled.delay(failures.saturating_sub(1)).unsigned_abs();
        // The upper 32 bits leave a factor between 0 and 1 that an f64 holds exactly.
        let factor = f64::from(u32::try_from(chance >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        let wait = most / 2 + (most / 2).mul_f64(factor);
        wait.max(asked.unwrap_or_default())
    }
}

/// Everything needed to open an audit log.
pub struct AuditQueueSettings {
    /// `service` of every entry.
    pub service: &'static str,
    /// The queue's directory, used only by this process, on a local disk. Created if absent.
    pub directory: PathBuf,
    /// Where entries go, each with a unique name.
    pub destinations: Vec<Box<dyn Destination>>,
    /// Whether each line is also written to standard output immediately.
    pub stdout: bool,
    /// When an entry is on disk.
    pub durability: Durability,
    /// What a write does while the disk fails.
    pub on_full: OnFull,
    /// The clock for timestamps.
    pub clock: Arc<dyn Clock>,
    /// Sizes.
    pub limits: Limits,
    /// How long to wait after a destination fails.
    pub backoff: DeliveryBackoff,
}

impl AuditQueueSettings {
    /// The safest settings, without a destination: each entry is on disk before the write returns; otherwise the write blocks.
    #[must_use]
    pub fn new(service: &'static str, directory: impl Into<PathBuf>) -> Self {
        Self {
            service,
            directory: directory.into(),
            destinations: Vec::new(),
            stdout: false,
            durability: Durability::EachEntry,
            on_full: OnFull::Block,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            backoff: DeliveryBackoff::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_to_five_minutes_honouring_retry_after() {
        let backoff = DeliveryBackoff::default();
        let seconds = |failures, chance| backoff.wait(failures, chance, None).as_secs_f64();
        for (failures, most) in [
            (1, 1.0),
            (2, 2.0),
            (5, 16.0),
            (9, 256.0),
            (10, 300.0),
            (4_000_000, 300.0),
        ] {
            assert!((seconds(failures, 0) - most / 2.0).abs() < 1e-6, "{failures}");
            assert!((seconds(failures, u64::MAX) - most).abs() < 1e-6, "{failures}");
        }
        let asked = Duration::from_mins(20);
        assert_eq!(backoff.wait(1, 7, Some(asked)), asked);
        assert!(backoff.wait(10, 7, Some(Duration::from_secs(1))) >= Duration::from_secs(150));
    }
}
