//! The subcommands, one file each.

mod audit;
mod check_rules;
mod effects;
mod evidence;
mod exceptions;
mod explain;
mod gaps;
mod import;
mod ledger;
mod migrate;
mod reevaluate;
mod replay;
mod simulate;
mod stats;
mod trace;
mod unconfirmed;

use clap::Subcommand;

use crate::output::{CommandError, Ending};

/// A subcommand with its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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

impl Command {
    pub(crate) async fn run(self) -> Result<Ending, CommandError> {
        match self {
            Self::CheckRules(arguments) => arguments.run(),
            Self::Migrate(arguments) => arguments.run().await,
            Self::Audit(arguments) => arguments.run().await,
            Self::Trace(arguments) => arguments.run().await,
            Self::Ledger(arguments) => arguments.run().await,
            Self::Exceptions(arguments) => arguments.run().await,
            Self::Effects(arguments) => arguments.run().await,
            Self::Evidence(arguments) => arguments.run().await,
            Self::Stats(arguments) => arguments.run().await,
            Self::Explain(arguments) => arguments.run().await,
            Self::Simulate(arguments) => arguments.run().await,
            Self::Replay(arguments) => arguments.run().await,
            Self::Unconfirmed(arguments) => arguments.run().await,
            Self::Reevaluate(arguments) => arguments.run().await,
        }
    }
}
