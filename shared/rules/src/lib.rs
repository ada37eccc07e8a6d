//! Labels, tiers and approvals: facts in, verdict out. Pure; no IO and no clock inside.
//!
//! [`evaluate`] is the whole of it: a function of [`model::Facts`] and [`Rules`], so that every stored verdict can be recomputed.

mod act;
mod archive;
mod carried;
mod case;
mod evaluate;
mod explain;
mod file;
mod findings;
mod instance;
mod judged;
mod label;
mod labelled;
mod ledger;
mod sla;
#[cfg(test)]
mod testing;
mod tier;

pub use archive::{AuditPage, Confluence, Jira, Linear, Pod, Pods, Subject, Tracking, mentions};
pub use evaluate::{evaluate, label_in_sight};
pub use explain::{Check, ExplainedApproval, Explanation, Found, explain};
pub use file::{ApproverGroup, Approvers, Instance, Rules, RulesError, Slack, Wording};
pub use label::LabelPattern;
pub use ledger::{review_before_merge, review_of_merge, stored as stored_precision};
pub use sla::{BusinessHours, Sla};
pub use tier::{Tier, UNCLASSIFIED};
