//! What a producer may write: never in the name of this system.

use audit::line_schema::ParsedEntry;

use super::{Producer, RejectReason};

/// The services of this system.
pub(super) const OUR_SERVICES: [&str; 6] = [
    "webhook",
    "processor",
    "notifier",
    "recorder",
    "maintenance",
    "countersign",
];

/// Prefixes of actions that only this system writes.
const RESERVED: [&str; 7] = [
    "webhook.",
    "ledger.",
    "exception.",
    "security_policy.",
    "reconcile.",
    "log.",
    "audit.",
];

/// Single actions that only this system writes.
const RESERVED_ACTIONS: [&str; 3] = ["git.push.received", "copilot.command.received", "gitlab.audit.received"];

/// Prefixes that need [`Producer::registers`].
const REGISTERED: [&str; 2] = ["verify.", "pack."];

/// Whether this producer may write this entry.
///
/// # Errors
/// [`RejectReason::ServiceNotYours`] or [`RejectReason::ActionReserved`].
pub fn authorize(producer: &Producer, entry: &ParsedEntry) -> Result<(), RejectReason> {
    let service = entry.service.as_str();
    if OUR_SERVICES.contains(&service) || !producer.services.contains(service) {
        return Err(RejectReason::ServiceNotYours);
    }
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| entry.action.starts_with(prefix));
    let is_reserved = begins(&RESERVED) || RESERVED_ACTIONS.contains(&entry.action.as_str());
    if is_reserved || (begins(&REGISTERED) && !producer.registers) {
        return Err(RejectReason::ActionReserved);
    }
    Ok(())
}
