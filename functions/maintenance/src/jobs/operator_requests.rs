//! Operator requests: claimed one by one, executed by command name, finished with their result.

mod executed;
mod reevaluate;

use std::collections::BTreeSet;
use std::time::Duration;

use app::App;
use audit::{ActorType, Context};
use jiff::SignedDuration;
use runtime::Deadline;
use store::OperatorRequest;
use trace::SpanKind;

use self::executed::Executed;
use super::{JobError, JobReport};
use crate::Maintenance;

/// The commands that this version executes. Those of a newer version are left for it.
const COMMANDS: [&str; 1] = [reevaluate::COMMAND];

/// How long a run works on one request before the others.
const SLICE: Duration = Duration::from_mins(1);
/// No request is claimed with less than this left.
const MIN_TIME_LEFT: Duration = Duration::from_secs(15);
/// A request that is not complete after this time is finished with what was done.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

impl Maintenance {
    pub(crate) async fn operator_requests(
        &self,
        context: &Context,
        deadline: &Deadline,
        report: &mut JobReport,
    ) -> Result<(), JobError> {
        let app = self.checked_app(context).await?;
        let store = app.store();
        let mut claimed = BTreeSet::new();
        while deadline.remaining() > MIN_TIME_LEFT {
            let Some(request) = store.claim_operator_request(&COMMANDS, self.clock.now()).await? else {
                break;
            };
            if !claimed.insert(request.id) {
                // An unfinished request goes last, so that all others come first.
                store.put_operator_request_back(&request, None).await?;
                break;
            }
            let executed = self.execute(&app, &request, &deadline.at_most(SLICE)).await;
            let still_claimed = match executed {
                Executed::Finished { result, exit_code } => {
                    report.operator_requests_finished += 1;
                    tracing::info!(request = %request.id, command = request.command, exit_code, "finished an operator request");
                    let now = self.clock.now();
                    store.finish_operator_request(&request, &result, exit_code, now).await?
                }
                Executed::Unfinished { progress } => {
                    report.operator_requests_open += 1;
                    store.put_operator_request_back(&request, Some(&progress)).await?
                }
            };
            if !still_claimed {
                tracing::warn!(request = %request.id, "lost the claim on an operator request; another run has taken it over");
            }
        }
        Ok(())
    }

    async fn execute(&self, app: &App, request: &OperatorRequest, deadline: &Deadline) -> Executed {
        let context = Context::new(ActorType::AdminAction, request.id);
        let span = self
            .tracer
            .begin_trace(SpanKind::Internal, "operator_request", &context);
        let age = self.clock.now().duration_since(request.requested_at);
        let last = age >= LONGEST;
        let executed = match request.command.as_str() {
            reevaluate::COMMAND => {
                self.reevaluate(app, span.context(&context), request, deadline, last)
                    .await
            }
            unknown => Executed::rejected(&format!(
                "unknown command {unknown}, and no newer version has executed it: deploy a version that supports it, then \
                 submit it again"
            )),
        };
        span.end(None);
        executed
    }
}
