//! The audit log: printed lines stored once by id, their dense order, the gaps, and the cursors of destinations.
//!
//! Functions print lines (crate `audit`); the recorder stores them here. An entry waits in `audit_pending` until the sequencer
//! assigns the next position; everything else is derived from positions. Locks are always acquired in this order: `audit_sequence`,
//! entries by id, waiting lines by stream and number, announcements by id, quarantined lines by id. So any number of recorders can
//! store the same lines concurrently.

mod backlog;
mod batch;
mod claim;
mod destination;
mod gap;
mod intent;
mod partition;
mod retention;
mod search;
mod sequence;

pub use self::backlog::{AuditBacklog, DestinationBacklog};
pub use self::batch::{AuditBatch, BatchReport, MalformedLine};
pub use self::destination::{DestinationEnd, DestinationLease, PositionedEntry, UndeliveredEntry};
pub use self::gap::{AuditGap, GapReason};
pub use self::retention::detach_audit_partitions;
pub use self::search::{
    AuditActor, AuditFilter, AuditOrder, AuditOutcome, AuditRow, AuditStory, AuditTarget, OpenCall, PushedCommit,
    RecordedGap, SearchPlan, StoryKind, StoryLines, StoryRow, UnknownWord,
};
pub use self::sequence::Released;
