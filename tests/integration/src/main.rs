//! The only integration-test binary: each module tests one part against real servers.
#![cfg(test)]

mod arrivals;
mod clients;
mod crash;
mod deployment;
mod destinations;
mod embedded;
mod env;
mod evaluation;
mod function;
mod local_stack;
mod merge_effects;
mod notifier;
mod operator;
mod outbox;
mod program;
mod recorder;
mod rotation;
mod runtime;
mod search;
mod spans;
mod stack;
mod store;
mod template;
mod upgrade;
mod webhook;
