//! The search of the audit trail: every filter against a plain reading of the same entries, page by page, and through the command line.

mod command;
mod filters;
mod pages;
mod plain;
mod trace;
mod trail;
