//! The archive of a merge: evidence with its decision, and one report each to Linear, Jira, Confluence and the pod.

mod command;
mod effects;
mod evidence;
mod failures;
mod fixed;
mod stand;
mod targets;
