//! Forwarding: each destination follows the audit log with its own cursor, which moves only after the destination has acknowledged.
//! All run concurrently, and none waits for another.

mod backoff;
mod blocking;
mod outlet;
mod plan;
mod turn;

use audit::Context;
use runtime::Deadline;
use store::{Store, StoreError};

use crate::{InvocationReport, Recorder};

pub(crate) use outlet::Outlets;

impl Recorder {
    /// Runs one delivery run for each destination.
    pub(crate) async fn forward(
        &self,
        store: &Store,
        context: &Context,
        deadline: &Deadline,
        report: &mut InvocationReport,
    ) -> Result<(), StoreError> {
        let outlets = self.outlets.get(context).await;
        let turns = outlets
            .iter()
            .map(|outlet| async { (outlet.name, self.turn(store, outlet, context, deadline).await) });
        let mut failed = None;
        for (name, (turn, error)) in futures::future::join_all(turns).await {
            self.measures.turn(name, &turn);
            tracing::info!(destination = name, turn = ?turn, "finished delivery run for {name}");
            report.destinations.insert(name, turn);
            failed = failed.or(error);
        }
        failed.map_or(Ok(()), Err)
    }
}
