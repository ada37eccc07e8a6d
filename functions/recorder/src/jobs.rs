//! The jobs of every minute: order, gaps, destinations, and metrics.

use audit::Context;
use runtime::Deadline;
use store::{Store, StoreError};

use crate::{InvocationReport, RecordError, Recorder, RecorderJob};

impl Recorder {
    /// Runs the jobs in order; a failed one does not stop the next.
    pub(crate) async fn jobs(
        &self,
        context: &Context,
        jobs: &[RecorderJob],
        deadline: &Deadline,
    ) -> Result<InvocationReport, RecordError> {
        let store = self.database.store(context).await?;
        let mut report = InvocationReport::default();
        let mut failed = None;
        for job in jobs {
            let result = match job {
                RecorderJob::Sequence => Box::pin(self.sequence(&store, context, deadline, &mut report)).await,
                RecorderJob::Forward => Box::pin(self.forward(&store, context, deadline, &mut report)).await,
            };
            match result {
                // Another environment is doing the same work; the rest waits for the next minute.
                Err(StoreError::Conflict(error)) => tracing::info!(error, "job is already running"),
                result => failed = failed.or(result.err()),
            }
        }
        self.measures.gaps(report.gaps);
        failed = failed.or(self.measure(&store).await.err());
        match failed {
            None => Ok(report),
            Some(error) => {
                self.database.failed(context, &error).await;
                Err(error.into())
            }
        }
    }

    async fn measure(&self, store: &Store) -> Result<(), StoreError> {
        let now = self.now();
        let backlog = store.audit_backlog(now).await?;
        self.measures.backlog(&backlog, self.outlets.names(), now);
        Ok(())
    }
}
