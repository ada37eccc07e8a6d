//! What a merge leaves behind: evidence with its decision, and one report each to Linear, Jira, Confluence and the pod.

mod command;
mod effects;
mod env;
mod evidence;
mod failures;
mod fixed;
mod targets;
