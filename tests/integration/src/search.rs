//! The search of the audit log: every filter against a plain reading of the same entries, page by page, and by command line.

mod command;
mod filters;
mod pages;
mod plain;
mod stored_log;
mod trace;
