//! The operator's command line.

mod audit;
mod check_rules;
mod csv;
mod database;
mod effects;
mod evidence;
mod exceptions;
mod explain;
mod gaps;
mod import;
mod instant;
mod ledger;
mod listing;
mod migrate;
mod operator;
mod output;
mod reevaluate;
mod replay;
mod simulate;
mod stats;
mod table;
mod terminal;
mod trace;
mod unconfirmed;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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

#[derive(Debug, Subcommand)]
enum Command {
    CheckRules(check_rules::Arguments),
    Migrate(migrate::Arguments),
    Audit(Box<audit::Arguments>),
    Trace(trace::Arguments),
    Ledger(ledger::Arguments),
    Exceptions(exceptions::Arguments),
    Effects(effects::Arguments),
    Evidence(evidence::Arguments),
    Stats(stats::Arguments),
    Explain(explain::Arguments),
    Simulate(simulate::Simulate),
    Replay(replay::Replay),
    Unconfirmed(unconfirmed::Arguments),
    Reevaluate(Box<reevaluate::Arguments>),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Box::pin(run(Arguments::parse().command)).await {
        Ok(Ending::Done) | Err(CommandError::Closed) => ExitCode::SUCCESS,
        Ok(Ending::Nothing) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "countersign: {error}");
            ExitCode::from(error.code())
        }
    }
}

async fn run(command: Command) -> Result<Ending, CommandError> {
    match command {
        Command::CheckRules(arguments) => arguments.run(),
        Command::Migrate(arguments) => arguments.run().await,
        Command::Audit(arguments) => arguments.run().await,
        Command::Trace(arguments) => arguments.run().await,
        Command::Ledger(arguments) => arguments.run().await,
        Command::Exceptions(arguments) => arguments.run().await,
        Command::Effects(arguments) => arguments.run().await,
        Command::Evidence(arguments) => arguments.run().await,
        Command::Stats(arguments) => arguments.run().await,
        Command::Explain(arguments) => arguments.run().await,
        Command::Simulate(arguments) => arguments.run().await,
        Command::Replay(arguments) => arguments.run().await,
        Command::Unconfirmed(arguments) => arguments.run().await,
        Command::Reevaluate(arguments) => arguments.run().await,
    }
}
