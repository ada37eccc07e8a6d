//! One call, announced before it is made, and its one audit entry, which is written even if the call is dropped half way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use audit::{Action, Begun, Context, Entry, FailureClass, Outcome, Target, Writer};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use super::AwsError;

/// A call under way. Dropped before [`Call::end`], it is audited as given up.
pub(super) struct Call<'a> {
    audit: &'a Writer,
    context: &'a Context,
    action: Action,
    target: Target,
    details: Vec<(&'static str, Value)>,
    attempts: Attempts,
    begun: Begun,
    started: Instant,
    ended: bool,
}

impl<'a> Call<'a> {
    pub(super) fn begin(audit: &'a Writer, context: &'a Context, action: Action, target: Target) -> Self {
        let (details, attempts) = (Vec::new(), Attempts::default());
        let begun = audit.begin(action, context, &target);
        Self {
            audit,
            context,
            action,
            target,
            details,
            attempts,
            begun,
            started: Instant::now(),
            ended: false,
        }
    }

    /// Adds a particular to the entry.
    pub(super) fn detail(&mut self, name: &'static str, value: impl Into<Value>) {
        self.details.push((name, value.into()));
    }

    /// Counts the attempts of the operation it is given to.
    pub(super) fn attempts(&self) -> Attempts {
        self.attempts.clone()
    }

    /// Writes the entry.
    pub(super) fn end(mut self, failure: Option<&AwsError>) {
        let outcome = match failure {
            None => Outcome::Success,
            Some(error) => {
                self.detail("http_status", error.status());
                self.detail("code", error.code());
                Outcome::Failure(error.class())
            }
        };
        self.write(outcome);
    }

    fn write(&mut self, outcome: Outcome) {
        self.ended = true;
        let target = std::mem::take(&mut self.target);
        let mut entry = Entry::new(self.action, self.context, target, outcome)
            .begun(self.begun)
            .took(self.started.elapsed());
        for (name, value) in self.details.drain(..) {
            entry = entry.detail(name, value);
        }
        self.audit
            .write(&entry.detail("attempts", self.attempts.0.load(Ordering::Relaxed)));
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.detail("cancelled", true);
            self.write(Outcome::Failure(FailureClass::Timeout));
        }
    }
}

/// Counts attempts from inside the SDK's retry loop.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<AtomicU32>);

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
