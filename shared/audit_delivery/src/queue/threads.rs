//! The threads of an audit log: one that syncs, one for each destination; started together, stopped together.

use std::sync::{Arc, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::AuditQueueError;
use super::delivery::Delivery;
use super::state::Queue;

/// How long to wait for a running delivery. A longer one ends by itself: its cursor only moves after success.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The running threads; dropping this stops them.
#[derive(Debug)]
pub(super) struct Threads(Arc<Queue>);

/// Counts one thread until it ends in any way.
struct Running(Arc<Queue>);

impl Threads {
    pub(super) fn start(queue: &Arc<Queue>, deliveries: Vec<Delivery>) -> Result<Self, AuditQueueError> {
        // From here on, dropping it stops the started threads if another fails to start.
        let threads = Self(Arc::clone(queue));
        let syncing = Arc::clone(queue);
        threads.spawn("audit-disk", move || syncing.keep_syncing())?;
        for delivery in deliveries {
            let name = format!("audit-{}", delivery.destination.name());
            threads.spawn(&name, move || delivery.run())?;
        }
        Ok(threads)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), AuditQueueError> {
        self.0.lock().running += 1;
        let running = Running(Arc::clone(&self.0));
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            // Moved in, so that it counts down when the thread ends or could not be started.
            let _running = running;
            work();
        });
        let started = thread.map(drop);
        started.map_err(AuditQueueError::io("start a thread for", self.0.directory.path()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.progress.notify_all();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.close();
        let until = Instant::now() + STOP_TIMEOUT;
        let mut state = self.0.lock();
        while state.running > 0 && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let waited = self.0.progress.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}
