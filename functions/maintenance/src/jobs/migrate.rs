//! Migrations, and the application's login.

use app::deployment::migrate_database;
use audit::Context;
use store::MigrationReport;

use super::JobError;
use crate::Maintenance;

impl Maintenance {
    pub(crate) async fn migrate(&self, context: &Context) -> Result<MigrationReport, JobError> {
        // A cached login of the application may have been replaced by a rotation: its old password would become valid again.
        let (owner, application) = (
            self.owner.reload(context).await?,
            self.application.reload(context).await?,
        );
        Ok(migrate_database(&owner, Some(&application)).await?)
    }
}
