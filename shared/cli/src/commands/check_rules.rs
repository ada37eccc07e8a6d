//! `countersign check-rules`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use rules::{Rules, RulesError};

use crate::output::{CommandError, Ending, standard};

/// Check a rules file and report every problem with its line. Exit code 1 if the file is invalid.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The rules file.
    #[arg(default_value = "infra/rules.yaml")]
    file: PathBuf,
    /// Accept the placeholders of the template (for a build that is not deployed).
    #[arg(long)]
    allow_placeholders: bool,
}

impl Arguments {
    pub(crate) fn run(&self) -> Result<Ending, CommandError> {
        let name = self.file.display();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| CommandError::InvalidRules(format!("{name}: {error}")))?;
        let message = match Rules::parse(&text) {
            Ok(rules) => format!("{name} is valid; hash {}", rules.hash),
            Err(RulesError::Placeholders(lines)) if self.allow_placeholders => {
                format!("{name} is valid except for its placeholders:\n{}", lines.join("\n"))
            }
            Err(error) => return Err(CommandError::InvalidRules(format!("{name}: {error}"))),
        };
        let mut out = standard();
        writeln!(out, "{message}")?;
        out.flush()?;
        Ok(Ending::Done)
    }
}
