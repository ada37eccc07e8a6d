//! The database to use: from the command line or a variable, else that of the local stack.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;
use serde::Deserialize;
use store::{DatabaseConfig, Store};

use crate::output::CommandError;

/// Where a running local stack describes itself, from the project's root.
const STACK: &str = ".local/stack.json";

/// The option of every command with a database.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// The database: postgres://user:password@host:port/name. Prefer the variable to the command line.
    /// Default: the local stack running in this directory or a parent
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    /// PEM file with the server's certificate authorities, if they are neither public nor those of RDS
    #[arg(long, env = "DATABASE_CA_FILE", value_name = "FILE")]
    database_ca: Option<PathBuf>,
}

/// Which login of the local stack is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// May read everything.
    Auditor,
    /// May write entries.
    Owner,
    /// May record requests that maintenance executes; on the local stack the owner's login.
    Operator,
}

#[derive(Deserialize)]
struct StackFile {
    database_url: SecretString,
    database_owner_url: SecretString,
}

impl Database {
    /// The connected store, with a schema that this version knows.
    pub(crate) async fn open(&self, login: Login) -> Result<Store, CommandError> {
        let mut config = match &self.database_url {
            Some(url) => config(url)?,
            None => config(&stack_address(&working_directory()?, login)?)?,
        };
        if let Some(file) = &self.database_ca {
            let name = file.display();
            let pem = std::fs::read_to_string(file).map_err(|error| CommandError::File(format!("{name}: {error}")))?;
            config = config
                .with_authorities(&pem)
                .map_err(|_| CommandError::File(format!("{name} does not contain a valid PEM certificate")))?;
        }
        let store = Store::new(config)?;
        store.check_schema().await?;
        Ok(store)
    }
}

fn working_directory() -> Result<PathBuf, CommandError> {
    std::env::current_dir().map_err(|error| CommandError::Usage(format!("cannot read the working directory: {error}")))
}

/// The address in the nearest stack file at or above `from`.
fn stack_address(from: &Path, login: Login) -> Result<SecretString, CommandError> {
    let file = from
        .ancestors()
        .map(|folder| folder.join(STACK))
        .find(|file| file.is_file());
    let Some(file) = file else {
        return Err(CommandError::Usage(format!(
            "no database given: use --database-url, set DATABASE_URL, or start the local stack with `make stack` \
             ({STACK} not found in {} or above)",
            from.display()
        )));
    };
    let name = file.display();
    let text = std::fs::read(&file).map_err(|error| CommandError::Usage(format!("{name}: {error}")))?;
    let stack: StackFile = serde_json::from_slice(&text).map_err(|_| {
        CommandError::Usage(format!(
            "{name} does not name a database; is the local stack still starting?"
        ))
    })?;
    Ok(match login {
        Login::Auditor => stack.database_url,
        Login::Owner | Login::Operator => stack.database_owner_url,
    })
}

pub(crate) fn config(url: &SecretString) -> Result<DatabaseConfig, CommandError> {
    DatabaseConfig::from_url(url).map_err(|error| CommandError::Usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    /// Each login gets its own address of the stack file.
    #[test]
    fn stack_file_in_a_parent_folder_is_found() {
        let root = std::env::temp_dir().join(format!("countersign-{}", uuid::Uuid::now_v7()));
        let below = root.join("shared/store");
        std::fs::create_dir_all(&below).unwrap();
        let missing = stack_address(&below, Login::Auditor).unwrap_err();
        assert_eq!(missing.code(), 2);
        assert!(missing.to_string().contains("--database-url"), "{missing}");

        std::fs::create_dir_all(root.join(".local")).unwrap();
        std::fs::write(root.join(STACK), "{}").unwrap();
        assert_eq!(stack_address(&below, Login::Auditor).unwrap_err().code(), 2);
        let file = r#"{"database_url":"postgres://reads","database_owner_url":"postgres://writes","more":1}"#;
        std::fs::write(root.join(STACK), file).unwrap();
        for (login, address) in [
            (Login::Auditor, "postgres://reads"),
            (Login::Owner, "postgres://writes"),
            (Login::Operator, "postgres://writes"),
        ] {
            assert_eq!(stack_address(&below, login).unwrap().expose_secret(), address);
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
}
