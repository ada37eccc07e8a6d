//! A blocking destination without audit code: each delivery is announced and leaves one entry.

use std::time::Instant;

use audit::{Action, Context, Entry, Outcome, Target, Writer};
use audit_delivery::{DeliveryError, Destination, Outgoing};

use super::particulars;

/// Such a destination with its audit log.
pub struct Audited {
    destination: Box<dyn Destination>,
    writer: Writer,
    action: Action,
    target: Target,
}

impl std::fmt::Debug for Audited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audited")
            .field("action", &self.action)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Audited {
    /// Syslog at `address` (`tcp://host:port`), as named in the audit log.
    #[must_use]
    pub fn syslog(destination: Box<dyn Destination>, address: &str, writer: Writer) -> Self {
        Self {
            destination,
            writer,
            action: Action::SiemSendSyslog,
            target: Target::other("audit_receiver", address),
        }
    }

    /// Delivers a batch on behalf of `context`. Blocks for as long as the destination does; if the thread dies meanwhile, the
    /// announcement still shows the call.
    ///
    /// # Errors
    /// [`DeliveryError`], as the destination returned it.
    pub fn deliver(&mut self, context: &Context, batch: &[Outgoing<'_>]) -> Result<(), DeliveryError> {
        let (announced, started) = (
            self.writer.announce_call(self.action, context, &self.target),
            Instant::now(),
        );
        let delivered = self.destination.deliver(batch);
        let outcome = match &delivered {
            Ok(()) => Outcome::Success,
            Err(error) => Outcome::Failure(error.class()),
        };
        let mut entry = Entry::new(self.action, context, self.target.clone(), outcome)
            .completes(announced)
            .took(started.elapsed());
        for (name, value) in particulars(batch) {
            entry = entry.detail(name, value);
        }
        if let Err(error) = &delivered {
            entry = entry.detail("reason", error.to_string());
        }
        self.writer.write(&entry);
        delivered
    }
}
