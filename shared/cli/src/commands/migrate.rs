//! `countersign migrate`.

use std::io::Write as _;

use clap::Args;
use secrecy::SecretString;

use crate::args::database;
use crate::output::{CommandError, Ending, standard};

/// Migrate a database to the schema of this version. Safe to repeat and to run concurrently.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The owner's address: user, password, host and database. Prefer the variable to the command line.
    #[arg(long, env = "DATABASE_OWNER_URL", hide_env_values = true)]
    owner_url: SecretString,
    /// The application's address; its login is created or updated with the password in it.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    application_url: Option<SecretString>,
}

impl Arguments {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let owner = database::config(&self.owner_url)?;
        let application = self.application_url.as_ref().map(database::config).transpose()?;
        let migrated = app::deployment::migrate_database(&owner, application.as_ref())
            .await
            .map_err(|error| CommandError::Database(error.to_string()))?;
        let mut out = standard();
        writeln!(out, "{migrated}")?;
        out.flush()?;
        Ok(Ending::Done)
    }
}
