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
    /// Puts a line where it goes; give the result to [`Self::settle`].
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

    /// Waits until the line is where it goes. Without the writer's lock: those that wait for the disk together wait once.
    pub(super) fn settle(&self, ticket: u64) {
        match self {
            // It was there at once.
            Self::Stdout | Self::Memory(_) | Self::Both(_) => debug_assert_eq!(ticket, 0),
            #[cfg(feature = "embedded")]
            Self::Trail(inlet) => inlet.settle(ticket),
        }
    }
}

fn print(line: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    // Standard output can only fail if the platform is gone, and then nobody is left to tell: the gap in the numbering tells.
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}
