//! The archive of a merge: evidence with its decision, and what is told to Linear, Jira, Confluence and the pod, each once.

mod command;
mod effects;
mod evidence;
mod fixed;
mod stand;
mod targets;
mod trouble;
