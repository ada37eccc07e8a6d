//! Sinks for the lines of a writer.

use std::io::Write as _;

use crate::Memory;

/// Receives lines in their order.
pub trait Sink: Send + Sync {
    /// Writes or queues a line, which ends with a line break. The writer passes the result to [`Self::settle`].
    fn put(&self, line: &[u8]) -> u64;

    /// Waits until the line is durable. The writer calls it without its lock: concurrent callers may share one sync.
    fn settle(&self, _ticket: u64) {}
}

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub struct Stdout;

impl Sink for Stdout {
    fn put(&self, line: &[u8]) -> u64 {
        let mut stdout = std::io::stdout().lock();
        // Standard output fails only if the platform is gone, and no receiver remains: the gap in the numbering shows it.
        let _ = stdout.write_all(line).and_then(|()| stdout.flush());
        0
    }
}

impl Sink for Memory {
    fn put(&self, line: &[u8]) -> u64 {
        self.keep(line);
        0
    }
}

/// Standard output, and memory.
pub(super) struct StdoutAndMemory(pub(super) Memory);

impl Sink for StdoutAndMemory {
    fn put(&self, line: &[u8]) -> u64 {
        Stdout.put(line);
        self.0.put(line)
    }
}
