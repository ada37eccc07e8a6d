//! End to end on the deployed local stack: the real template, the real functions, a delivery in, rows and Slack messages out.

mod archive;
mod audit;
mod authentication;
mod ledger;
mod outages;
mod pipeline;
mod production;
mod scene;
mod stack_audit;
mod verdicts;
