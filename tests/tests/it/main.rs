//! The only integration-test binary: each module tests one part against real servers.

#[cfg(test)] // helpers of this module too may unwrap
mod archive;
#[cfg(test)] // helpers of this module too may unwrap
mod clients;
#[cfg(test)] // helpers of this module too may unwrap
mod runtime;
#[cfg(test)] // and of these
mod template;

#[cfg(test)]
mod crash;
#[cfg(test)] // helpers of this module too may unwrap
mod deployment;
#[cfg(test)]
mod destinations;
#[cfg(test)] // helpers of this module too may unwrap
mod embedded;
#[cfg(test)]
mod evaluation;
#[cfg(test)] // and of these
mod function;
#[cfg(test)]
mod notifier;
#[cfg(test)] // helpers of this module too may unwrap
mod operator;
#[cfg(test)] // and of this one
mod outbox;
#[cfg(test)] // helpers of this module too may unwrap
mod program;
#[cfg(test)]
mod recorder;
#[cfg(test)] // helpers of this module too may unwrap
mod rotation;
#[cfg(test)] // helpers of this module too may unwrap
mod search;
#[cfg(test)] // helpers of this module too may unwrap
mod spans;
#[cfg(test)]
mod stack;
#[cfg(test)] // helpers of this module too may unwrap
mod store;
#[cfg(test)] // helpers of this module too may unwrap
mod upgrade;
#[cfg(test)]
mod webhook;
