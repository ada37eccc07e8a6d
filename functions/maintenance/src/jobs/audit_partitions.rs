//! Creates audit partitions for the coming months. Most runs find them and cost one short transaction.

use audit::Context;

use super::JobError;
use crate::Maintenance;

/// How many months after the current one have a partition: enough time to react to an alarm if this job fails.
const MONTHS_AHEAD: u32 = 3;

impl Maintenance {
    pub(crate) async fn audit_partitions(&self, context: &Context) -> Result<u32, JobError> {
        let app = self.checked_app(context).await?;
        let now = self.clock.now();
        let made = app.store().make_audit_partitions(now, MONTHS_AHEAD).await?;
        if made > 0 {
            tracing::info!(made, "created audit partitions");
        }
        Ok(made)
    }
}
