//! The audit log of a service outside Lambda: a crash-safe queue on disk, and delivery from there to every destination.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use audit_delivery::{AuditQueue, AuditQueueSettings};
//!
//! let audit_queue = AuditQueue::open(AuditQueueSettings {
//!     stdout: true,
//!     ..AuditQueueSettings::new("billing-worker", "/var/lib/billing-worker/audit")
//! })?;
//! let writer = audit_queue.writer();
//! # Ok(()) }
//! ```
//!
//! The directory holds `queue.lock`, segments (`000000000001.segment`), one `cursor.<destination>` each, and `undelivered.ndjson`
//! once a destination has permanently rejected an entry. `docs/reference/embedding.md` describes its behaviour on failures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::destination::Destination;
use audit::Writer;

mod commit;
mod cursor;
mod delivery;
mod directory;
mod environment;
mod error;
mod health;
mod open_calls;
mod reader;
mod record;
mod recovery;
mod removal;
mod segment;
mod settings;
mod sink;
mod state;
mod threads;
mod undelivered;

pub use environment::DestinationOptions;
pub use error::AuditQueueError;
pub use health::{Cut, DestinationHealth, DiskProblem, Health};
pub use settings::{AuditQueueSettings, DeliveryBackoff, Durability, Limits, OnFull};

use cursor::Cursor;
use delivery::Delivery;
use directory::Directory;
use health::Receiver;
use recovery::Recovered;
use sink::QueueSink;
use state::Queue;
use threads::Threads;
use undelivered::UndeliveredFile;

/// The audit log of one process. Keep it for the lifetime of the process.
///
/// Dropping it syncs everything written and stops its threads; it waits a few seconds for a running delivery. The next
/// [`AuditQueue::open`] delivers what remains. A [`Writer`] that outlives this value syncs each entry itself.
#[derive(Debug)]
pub struct AuditQueue {
    writer: Writer,
    queue: Option<Arc<Queue>>,
    _threads: Option<Threads>,
}

/// What [`AuditQueue::flush`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Everything written is on disk.
    Durable,
    /// Every destination has received or rejected it.
    Delivered,
}

impl AuditQueue {
    /// Opens the audit log and resumes where the last process stopped: it reads and checks everything not yet delivered.
    ///
    /// # Errors
    /// [`AuditQueueError`] if the directory is unusable, in use, or damaged; nothing is skipped.
    pub fn open(settings: AuditQueueSettings) -> Result<Self, AuditQueueError> {
        // 1. Settings: without a destination no queue is needed.
        let (service, clock, stdout) = (settings.service, Arc::clone(&settings.clock), settings.stdout);
        if settings.destinations.is_empty() {
            let stdout = stdout.then(|| Writer::stdout(service, clock));
            return stdout.map(Self::unqueued).ok_or(AuditQueueError::NoDestination);
        }
        check_names(&settings.destinations)?;
        // 2. State on disk.
        let directory = Directory::open(&settings.directory)?;
        let mut recovered = recovery::recover(&directory)?;
        let undelivered = Arc::new(UndeliveredFile::new(directory.path()));
        let cursors = cursors(&directory, &mut recovered, &settings.destinations)?;
        let receivers = receivers(&settings.destinations, &cursors, &recovered);
        let policy = (settings.durability, settings.on_full, settings.limits);
        let queue = Arc::new(Queue::new(directory, recovered, receivers, policy, Arc::clone(&clock)));
        queue.remove_delivered();
        // 3. Threads: one syncs, one per destination delivers.
        let mut deliveries = Vec::new();
        for (receiver, (destination, cursor)) in settings.destinations.into_iter().zip(cursors).enumerate() {
            deliveries.push(Delivery {
                known: undelivered.known(destination.name(), cursor.delivered)?,
                queue: Arc::clone(&queue),
                receiver,
                destination,
                cursor,
                undelivered: Arc::clone(&undelivered),
                pending_cursor: None,
                backoff: settings.backoff,
            });
        }
        let threads = Threads::start(&queue, deliveries)?;
        let writer = Writer::with_sink(service, clock, Box::new(QueueSink::new(Arc::clone(&queue), stdout)));
        // 4. Calls that the last process did not complete.
        let open = std::mem::take(&mut queue.lock().open);
        open_calls::report_all(&open, &writer);
        Ok(Self {
            writer,
            queue: Some(queue),
            _threads: Some(threads),
        })
    }

    /// An audit log that records nothing: `AUDIT_LOG_ENABLED=false`.
    #[must_use]
    pub fn off(service: &'static str, clock: Arc<dyn model::Clock>) -> Self {
        Self::unqueued(Writer::with_sink(service, clock, Box::new(QueueSink::off())))
    }

    fn unqueued(writer: Writer) -> Self {
        Self {
            writer,
            queue: None,
            _threads: None,
        }
    }

    /// The writer. Cheap to clone; all clones share one numbering.
    #[must_use]
    pub fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// The state of the disk and of each destination. Poll it and raise alarms: the audit log retries without limit, and an
    /// unavailable destination never stops the service.
    #[must_use]
    pub fn health(&self) -> Health {
        self.queue.as_ref().map(|queue| queue.health()).unwrap_or_default()
    }

    /// Waits until everything written so far is on disk, and delivered if requested. `false`: the timeout passed; nothing is lost.
    /// A destination in backoff is not retried earlier.
    #[must_use]
    pub fn flush(&self, until: Until, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        self.queue.as_ref().is_none_or(|queue| queue.flush(until, deadline))
    }
}

fn check_names(destinations: &[Box<dyn Destination>]) -> Result<(), AuditQueueError> {
    let mut names: Vec<_> = destinations.iter().map(|destination| destination.name()).collect();
    let fits = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
    };
    if let Some(name) = names.iter().find(|name| !fits(name)) {
        return Err(AuditQueueError::BadName(name));
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(AuditQueueError::SameName(pair[0])),
        None => Ok(()),
    }
}

/// The cursor of each destination, in their order; a new one begins with the oldest remaining entry.
fn cursors(
    directory: &Directory,
    recovered: &mut Recovered,
    destinations: &[Box<dyn Destination>],
) -> Result<Vec<Cursor>, AuditQueueError> {
    let before = recovered.before_oldest();
    let mut cursor = |name| match recovered.cursors.iter().position(|(known, _)| known == name) {
        Some(known) => Ok(recovered.cursors.swap_remove(known).1),
        None => Cursor::create(directory, name, before),
    };
    destinations
        .iter()
        .map(|destination| cursor(destination.name()))
        .collect()
}

/// The configured destinations, then those no longer configured.
fn receivers(destinations: &[Box<dyn Destination>], cursors: &[Cursor], recovered: &Recovered) -> Vec<Receiver> {
    let configured = destinations.iter().map(|destination| destination.name()).zip(cursors);
    let former = recovered.cursors.iter().map(|(name, cursor)| (name.as_str(), cursor));
    let receiver = |configured| {
        move |(name, cursor): (&str, &Cursor)| Receiver {
            name: name.to_owned(),
            configured,
            delivered: cursor.delivered,
            refused: cursor.refused,
            failing_since: None,
            last_error: None,
        }
    };
    configured
        .map(receiver(true))
        .chain(former.map(receiver(false)))
        .collect()
}

#[cfg(test)]
mod tests;
