//! Labels, tiers and approvals: facts in, verdict out. Pure; no IO and no clock inside.
//!
//! The entry point is [`evaluate`]: a function of [`model::Facts`] and [`Rules`], so that every stored verdict can be recomputed.

mod approval;
mod case;
mod checked;
mod checks;
mod confirm;
mod connectors;
mod earlier;
mod evaluate;
mod explain;
mod file;
mod instance;
mod label;
mod label_history;
mod labelled;
mod ledger;
mod ruling;
mod sla;
#[cfg(test)]
mod testing;
mod tier;
mod time;

pub use confirm::{EVALUATOR, SECOND_READING_AFTER, further_reading_at, is_confirmed, needs_approvals};
pub use connectors::{AuditPage, ConfluenceRules, JiraRules, LinearRules, Pod, PodCandidate, Pods, Tracking, mentions};
pub use earlier::earlier_facts;
pub use evaluate::evaluate;
pub use explain::{Check, ExplainedApproval, Explanation, Found, explain};
pub use file::{ApproverGroup, Approvers, Instance, Rules, RulesError, SlackRules, Wording};
pub use label::LabelPattern;
pub use ledger::{review_before_merge, review_of_merge, stored as stored_precision};
pub use ruling::{BEFORE_WATCH, CurrentDecision, Ruling, after_event, after_reading, give_up_at, reread_at};
pub use sla::{BusinessHours, Sla};
pub use tier::{Tier, UNCLASSIFIED};
