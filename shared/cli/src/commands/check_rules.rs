//! `countersign check-rules`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use rules::{Rules, RulesError};

use crate::output::{Ending, Failure, standard};

/// Check a rules file: every problem with its line. Exit code 1 if it is invalid.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file.
    #[arg(default_value = "infra/rules.yaml")]
    file: PathBuf,
    /// Accept the placeholders of the template (for a build that is not deployed).
    #[arg(long)]
    allow_placeholders: bool,
}

impl Arguments {
    pub(crate) fn run(&self) -> Result<Ending, Failure> {
        let name = self.file.display();
        let text = std::fs::read_to_string(&self.file).map_err(|error| Failure::Refused(format!("{name}: {error}")))?;
        let told = match Rules::parse(&text) {
            Ok(rules) => format!("{name} is right; its hash is {}", rules.hash),
            Err(RulesError::Placeholders(lines)) if self.allow_placeholders => {
                format!("{name} is right but for its placeholders:\n{}", lines.join("\n"))
            }
            Err(error) => return Err(Failure::Refused(format!("{name}: {error}"))),
        };
        let mut out = standard();
        writeln!(out, "{told}")?;
        out.flush()?;
        Ok(Ending::Done)
    }
}
