//! Issue trackers: the issue of a merge request is found, marked and linked.

mod comment;
pub mod jira;
pub mod linear;
