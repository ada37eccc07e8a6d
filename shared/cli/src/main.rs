//! The operator's command line.

mod args;
mod commands;
mod operator;
mod output;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::output::{Ending, Failure};

const EXIT_CODES: &str = "\
Exit codes:
  0  found, or done
  1  nothing was found, the rules file is refused, or a decision did not come out as it is stored
  2  the command line cannot be used: a word, a time, no database named
  3  the database: not reachable, login refused, another schema version
  4  a file cannot be read, or the output cannot be written";

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
        Ok(Ending::Done) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Ok(Ending::Nothing) => ExitCode::from(1),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "countersign: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
