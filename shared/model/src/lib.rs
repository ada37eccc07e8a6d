//! Domain types: identities, merge-request facts, verdicts, the delivery envelope, effects and the clock.
//!
//! No IO, and only [`SystemClock`] reads the time. Every other crate depends on this one; it depends on none of them.

mod backoff;
mod clock;
mod codes;
mod digest;
mod earlier;
mod effect;
mod envelope;
mod event;
mod exception;
mod facts;
mod gitlab_audit_event;
mod history;
mod identity;
mod ledger;
mod snapshot;
mod trigger;
mod verdict;

pub use backoff::{Backoff, later};
pub use clock::{Clock, FixedClock, SystemClock};
pub use digest::sha256_hex;
pub use earlier::EarlierFacts;
pub use effect::{Effect, EffectKind, EffectMessage, EffectState};
pub use envelope::{AuditLine, AuthMethod, Authentication, Content, DeliveryIds, Envelope};
pub use event::{EventAction, MergeRequestEvent, OccurredAtSource, Project, Reviewer, SystemAction};
pub use exception::{ExceptionStatus, SecurityReviewException};
pub use facts::{
    Approval, ApprovalRule, DiffVersion, Facts, GitLabAnswer, IssueMention, LabelEvent, LabelFacts, MentionPlace,
    MergeFact, MergeRequestDetails, NOT_ASKED, NOT_OFFERED, PartialAnswer, Reading,
};
pub use gitlab_audit_event::{GitLabAuditAuthor, GitLabAuditEvent, GitLabAuditObject};
pub use history::HistoryEvent;
pub use identity::{MergeRequestIid, MergeRequestKey, ProjectId, User, UserId};
pub use ledger::{EvidenceRef, LedgerMerge, LedgerRow, Review, ServiceLevel, TimeUnknown};
pub use snapshot::MergeRequestSnapshot;
pub use trigger::MergeTrigger;
pub use verdict::{ApprovalSeen, ExceptionKind, LedgerDecision, Note, Proof, Reason, Verdict, VerdictOutcome};
