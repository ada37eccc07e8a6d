//! Where a writer's lines go.

use std::io::Write as _;

use crate::Memory;

pub(super) enum Sink {
    Stdout,
    Memory(Memory),
    Both(Memory),
    #[cfg(feature = "embedded")]
    Trail(crate::embedded::Inlet),
}

impl Sink {
    /// Writes or queues a line; pass the result to [`Self::settle`].
    pub(super) fn put(&self, line: &[u8]) -> u64 {
        match self {
            Self::Stdout => print(line),
            Self::Memory(lines) => lines.keep(line),
            Self::Both(lines) => {
                print(line);
                lines.keep(line);
            }
            #[cfg(feature = "embedded")]
            Self::Trail(inlet) => {
                if inlet.stdout() {
                    print(line);
                }
                return inlet.put(line);
            }
        }
        0
    }

    /// Waits until the line is durable. Without the writer's lock: concurrent waiters share one sync.
    pub(super) fn settle(&self, ticket: u64) {
        match self {
            // Already written.
            Self::Stdout | Self::Memory(_) | Self::Both(_) => debug_assert_eq!(ticket, 0),
            #[cfg(feature = "embedded")]
            Self::Trail(inlet) => inlet.settle(ticket),
        }
    }
}

fn print(line: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    // Standard output fails only if the platform is gone, and no receiver remains: the gap in the numbering shows it.
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}
