//! The clients against real HTTP doubles: every way a call can end, and its audit line.

mod audit_log;
mod confluence;
mod coverage;
mod disturbed;
mod env;
mod failures;
mod gitlab_facts;
mod gitlab_lists;
mod gitlab_moved;
mod gitlab_unread;
mod jira;
mod linear;
mod merges;
mod secrets;
mod slack_find;
mod slack_post;
mod slack_update;
mod tls;
