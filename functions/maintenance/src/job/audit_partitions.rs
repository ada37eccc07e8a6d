//! Room for the audit entries of the months to come. Most runs find it there, and cost one short transaction.

use audit::Context;

use super::JobError;
use crate::Maintenance;

/// How many months after the present one have room: long enough for an alarm to be heard, should this job fail.
const MONTHS_AHEAD: u32 = 3;

impl Maintenance {
    pub(crate) async fn audit_partitions(&self, context: &Context) -> Result<u32, JobError> {
        let app = self.app.get(context).await?;
        app.store().check_schema().await?;
        let now = self.clock.now();
        let made = app.store().make_audit_partitions(now, MONTHS_AHEAD).await?;
        if made > 0 {
            tracing::info!(made, "months were given room for audit entries");
        }
        Ok(made)
    }
}
