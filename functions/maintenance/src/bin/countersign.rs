//! The operator's command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rules::{Rules, RulesError};
use secrecy::SecretString;
use store::DatabaseConfig;

/// Countersign: proof of security reviews of GitLab merge requests.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a rules file: every problem with its line. Exit code 1 if it is refused.
    CheckRules {
        /// The file.
        #[arg(default_value = "infra/rules.yaml")]
        file: PathBuf,
        /// Accept the placeholders of the template (for a build that is not deployed).
        #[arg(long)]
        allow_placeholders: bool,
    },
    /// Bring a database to the schema of this version. Safe to repeat, and to run twice at once.
    Migrate {
        /// The owner's address: user, password, host and database. Better given by the variable than on the command line.
        #[arg(long, env = "DATABASE_OWNER_URL", hide_env_values = true)]
        owner_url: String,
        /// The application's address; its login is created or updated with the password in it.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        application_url: Option<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(text) => {
            let told = writeln!(std::io::stdout(), "{text}");
            if told.is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "countersign: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<String, String> {
    match command {
        Command::CheckRules {
            file,
            allow_placeholders,
        } => check_rules(&file, allow_placeholders),
        Command::Migrate {
            owner_url,
            application_url,
        } => migrate(owner_url, application_url),
    }
}

fn check_rules(file: &std::path::Path, allow_placeholders: bool) -> Result<String, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    match Rules::parse(&text) {
        Ok(rules) => Ok(format!("{name} is right; its hash is {}", rules.hash)),
        Err(RulesError::Placeholders(lines)) if allow_placeholders => Ok(format!(
            "{name} is right but for its placeholders:\n{}",
            lines.join("\n")
        )),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn migrate(owner: String, application: Option<String>) -> Result<String, String> {
    let config = |url: String| DatabaseConfig::from_url(&SecretString::from(url)).map_err(|error| error.to_string());
    let owner = config(owner)?;
    let application = application.map(config).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let migrated = runtime
        .block_on(maintenance::migrate(&owner, application.as_ref()))
        .map_err(|error| error.to_string())?;
    Ok(migrated.to_string())
}
