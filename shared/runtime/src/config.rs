//! The only reader of the environment: it collects every problem and reports them together, each with its variable's name.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use url::Url;

/// The variables of the process, and the problems of those read so far.
///
/// Every reader returns a usable value even if the variable is missing or invalid, and records the problem; call
/// [`Environment::finish`] before using any of them. A variable set to the empty string counts as unset.
#[must_use = "problems are only reported by finish()"]
pub struct Environment {
    values: HashMap<String, Value>,
    names_read: BTreeSet<String>,
    problems: Vec<ConfigProblem>,
}

enum Value {
    Text(String),
    NotUnicode,
}

/// One variable and its problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {text}")]
pub struct ConfigProblem {
    name: String,
    text: String,
}

/// Every problem of the environment, in the order the variables were read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid environment: {}", listed(.problems))]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

impl ConfigError {
    #[must_use]
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

fn listed(problems: &[ConfigProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Environment {
    /// The variables of this process, read once.
    pub fn from_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os();
        let values = variables.filter_map(|(name, value)| {
            let value = value.into_string().map_or(Value::NotUnicode, Value::Text);
            Some((name.into_string().ok()?, value))
        });
        Self {
            values: values.collect(),
            names_read: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let values = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::Text(value.to_owned())));
        Self {
            values: values.collect(),
            names_read: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    /// The variable's text; a missing one is a problem.
    pub fn required(&mut self, name: &str) -> String {
        let value = self.optional(name);
        if value.is_none() && !matches!(self.values.get(name), Some(Value::NotUnicode)) {
            self.problem(name, "is not set");
        }
        value.unwrap_or_default()
    }

    /// The variables read so far, set or not.
    #[must_use]
    pub fn names_read(&self) -> &BTreeSet<String> {
        &self.names_read
    }

    /// The variable's text, if set.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.names_read.insert(name.to_owned());
        match self.values.get(name) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::NotUnicode) => {
                self.problem(name, "is not valid UTF-8");
                None
            }
            _ => None,
        }
    }

    /// `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("must be true or false"),
        };
        self.parsed(name, parse).unwrap_or(default)
    }

    /// A whole number within `range`.
    pub fn number(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let expected = format!("is not a whole number from {} to {}", range.start(), range.end());
        let parse = |text: &str| match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(expected),
        };
        self.parsed(name, parse).unwrap_or(default)
    }

    /// An `http` or `https` address with a host.
    pub fn url(&mut self, name: &str) -> Option<Url> {
        self.parsed(name, |text| match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            Ok(_) => Err("is not an http or https address".to_owned()),
            Err(error) => Err(format!("is not an address ({error})")),
        })
    }

    /// A file: a relative path is relative to `LAMBDA_TASK_ROOT`, where Lambda unpacks the function
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>), or else to the working directory.
    pub fn path(&mut self, name: &str, default: &str) -> PathBuf {
        let path = PathBuf::from(self.optional(name).unwrap_or_else(|| default.to_owned()));
        match self.optional("LAMBDA_TASK_ROOT") {
            Some(root) if path.is_relative() => PathBuf::from(root).join(path),
            _ => path,
        }
    }

    /// The variable as parsed by `parse`, if set. `parse` must not include the text in its error: this function adds it if that is
    /// safe.
    pub fn parsed<T, E: Display>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.optional(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                let shown = if may_be_secret(name, &text) {
                    String::new()
                } else {
                    format!(": {text:?}")
                };
                self.problem(name, format!("{problem}{shown}"));
                None
            }
        }
    }

    /// The same for a required variable. `None`: the problem is recorded.
    pub fn required_parsed<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let is_set = !self.required(name).is_empty();
        is_set.then(|| self.parsed(name, parse)).flatten()
    }

    /// Records a problem that only the caller can detect, such as two variables that contradict each other.
    pub fn problem(&mut self, name: &str, text: impl Into<String>) {
        self.problems.push(ConfigProblem {
            name: name.to_owned(),
            text: text.into(),
        });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Every problem since the environment was created or last finished.
    pub fn finish(&mut self) -> Result<(), ConfigError> {
        match std::mem::take(&mut self.problems) {
            problems if problems.is_empty() => Ok(()),
            problems => Err(ConfigError { problems }),
        }
    }
}

/// Whether a value must not be repeated: its name suggests a secret, or it is an address with a user and a password.
fn may_be_secret(name: &str, text: &str) -> bool {
    let name = name.to_ascii_uppercase();
    text.contains('@')
        || ["SECRET", "TOKEN", "PASSWORD", "KEY", "CREDENTIAL", "DATABASE"]
            .iter()
            .any(|word| name.contains(word))
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without names and values: some of them are secrets.
        f.debug_struct("Environment")
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
