//! One call: announced before it is made, with exactly one audit entry, which is written even if the call is dropped. It also holds
//! the call's span.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use audit::{Action, AnnouncedCall, Context, Detail, Entry, FailureClass, Outcome, Target, Writer};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use trace::{Attribute, Span, SpanKind};

use super::{AwsError, Clients};

/// A call in progress. If it is dropped before [`AwsCall::end`], it is audited as cancelled.
pub(super) struct AwsCall<'a> {
    audit: &'a Writer,
    context: &'a Context,
    action: Action,
    target: Target,
    details: Vec<(&'static str, Detail)>,
    attempts: Attempts,
    announced: AnnouncedCall,
    span: Option<Span>,
    started: Instant,
    ended: bool,
}

impl<'a> AwsCall<'a> {
    pub(super) fn begin(
        clients: &'a Clients,
        kind: SpanKind,
        context: &'a Context,
        action: Action,
        target: Target,
    ) -> Self {
        let (details, attempts) = (Vec::new(), Attempts::default());
        let announced = clients.audit.announce_call(action, context, &target);
        Self {
            audit: &clients.audit,
            context,
            action,
            target,
            details,
            attempts,
            announced,
            span: Some(clients.tracer.begin_call(kind, announced, action, context)),
            started: Instant::now(),
            ended: false,
        }
    }

    /// Adds a detail to the entry.
    pub(super) fn detail(&mut self, name: &'static str, value: impl Into<Detail>) {
        self.details.push((name, value.into()));
    }

    /// Adds an attribute to the span.
    pub(super) fn attribute<'v>(&mut self, name: &'static str, value: impl Into<Attribute<'v>>) {
        if let Some(span) = &mut self.span {
            span.attribute(name, value);
        }
    }

    /// The attempt counter for the operation.
    pub(super) fn attempts(&self) -> Attempts {
        self.attempts.clone()
    }

    pub(super) fn end(mut self, failure: Option<&AwsError>) {
        let outcome = match failure {
            None => Outcome::Success,
            Some(error) => {
                self.detail("http_status", error.status());
                if let Some(status) = error.status() {
                    self.attribute("http.response.status_code", status);
                }
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
            .completes(self.announced)
            .took(self.started.elapsed());
        for (name, value) in self.details.drain(..) {
            entry = entry.detail(name, value);
        }
        self.audit
            .write(&entry.detail("attempts", self.attempts.0.load(Ordering::Relaxed)));
        if let Some(span) = self.span.take() {
            span.end(match outcome {
                Outcome::Success => None,
                Outcome::Failure(class) => Some(class.as_str()),
            });
        }
    }
}

impl Drop for AwsCall<'_> {
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
