//! End to end on the deployed local stack: the real template, the real functions, a delivery in, rows and Slack messages out.

mod audit;
mod authentication;
mod effects;
mod gitlab_stream;
mod ledger;
mod notes;
mod outages;
mod pipeline;
mod producers;
mod production;
mod review;
mod stack_audit;
mod verdicts;
