//! The reader of the variables: it continues after a problem, so that all are reported together.

use super::{DESTINATION, DestinationProblem, ENABLED};

/// The list of destinations.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each name of a closed list")]
pub(super) struct Wanted {
    pub(super) stdout: bool,
    pub(super) file: bool,
    pub(super) syslog: bool,
    pub(super) http: bool,
}

/// Reads the variables and collects their problems.
pub(super) struct VariableReader<L> {
    lookup: L,
    pub(super) problems: Vec<DestinationProblem>,
}

impl<L: Fn(&str) -> Option<String>> VariableReader<L> {
    pub(super) fn new(lookup: L) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    fn text(&self, variable: &str) -> Option<String> {
        let text = (self.lookup)(variable)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn problem(&mut self, variable: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.problems.push(DestinationProblem { variable, text });
    }

    pub(super) fn enabled(&mut self) -> bool {
        let Some(text) = self.text(ENABLED) else { return true };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.problem(ENABLED, "must be true or false");
                true
            }
        }
    }

    pub(super) fn wanted(&mut self) -> Wanted {
        let mut wanted = Wanted::default();
        let Some(list) = self.text(DESTINATION) else {
            wanted.stdout = true;
            return wanted;
        };
        for name in list.split(',').map(str::trim) {
            let (place, known) = match name.to_ascii_lowercase().as_str() {
                "stdout" => (&mut wanted.stdout, "stdout"),
                "file" => (&mut wanted.file, "file"),
                "syslog" => (&mut wanted.syslog, "syslog"),
                "http" => (&mut wanted.http, "http"),
                _ => {
                    let shown = shown(name);
                    self.problem(
                        DESTINATION,
                        format!("names {shown}; the destinations are stdout, file, syslog and http"),
                    );
                    continue;
                }
            };
            if std::mem::replace(place, true) {
                self.problem(DESTINATION, format!("names {known} twice"));
            }
        }
        wanted
    }

    /// The variable required by a destination in the list.
    pub(super) fn needed<T>(
        &mut self,
        variable: &'static str,
        destination: &str,
        parse: fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let Some(text) = self.text(variable) else {
            self.problem(variable, format!("is not set, but {DESTINATION} names {destination}"));
            return None;
        };
        match parse(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(variable, problem);
                None
            }
        }
    }
}

/// Repeats an unknown name so that a typo is visible, but no text that cannot be a name: it may be a secret in the wrong variable.
fn shown(name: &str) -> String {
    let is_word = name.len() <= 16 && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    match name {
        "" => "an empty destination".to_owned(),
        _ if is_word => format!("the unknown destination {name:?}"),
        _ => "an invalid destination".to_owned(),
    }
}
