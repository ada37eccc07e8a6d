//! The operator's command line.

mod args;
mod commands;
mod operator;
mod output;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::output::{CommandError, Ending};

const EXIT_CODES: &str = "\
Exit codes:
  0  found, or done
  1  nothing found, invalid rules file, or a recomputed decision that differs
  2  invalid command line: unknown argument, invalid time, no database given
  3  database error: unreachable, login rejected, other schema version
  4  file or output error";

/// Countersign: proof of security reviews of GitLab merge requests.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(Arguments::parse().command.run()).await {
        Ok(Ending::Done) | Err(CommandError::Closed) => ExitCode::SUCCESS,
        Ok(Ending::Nothing) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "countersign: {error}");
            ExitCode::from(error.code())
        }
    }
}
