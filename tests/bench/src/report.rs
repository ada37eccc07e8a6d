//! The report: sections of rows, each figure with its goal, and missed goals and omissions at the end.

use std::fmt;

use serde::Serialize;

use super::machine::Machine;
use super::sample::Sample;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: Machine,
    sections: Vec<Section>,
    not_measured: Vec<&'static str>,
}

/// Related figures.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) title: &'static str,
    /// How to read the figures.
    pub(super) note: String,
    pub(super) rows: Vec<Row>,
}

/// One figure.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    what: String,
    unit: &'static str,
    /// The median, or the only value.
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<Goal>,
}

#[derive(Debug, Serialize)]
struct Goal {
    text: String,
    /// The figure that is compared with the goal.
    compared: f64,
    met: bool,
}

impl Row {
    /// A figure measured once, or computed from others.
    pub(super) fn single(what: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self {
            what: what.into(),
            unit,
            value,
            min: None,
            p99: None,
            max: None,
            goal: None,
        }
    }

    /// The median of a sample, with its spread.
    pub(super) fn of(what: impl Into<String>, unit: &'static str, sample: &Sample) -> Self {
        Self {
            min: Some(sample.min()),
            p99: sample.p99(),
            max: Some(sample.max()),
            ..Self::single(what, unit, sample.median())
        }
    }

    /// The goal: a value below this.
    pub(super) fn below(self, limit: f64) -> Self {
        let value = self.value;
        self.with_goal(format!("< {limit}"), value, value < limit)
    }

    /// The goal: a value above this.
    pub(super) fn above(self, limit: f64) -> Self {
        let value = self.value;
        self.with_goal(format!("> {limit}"), value, value > limit)
    }

    /// The goal: a value of this or less.
    pub(super) fn at_most(self, limit: f64) -> Self {
        let value = self.value;
        self.with_goal(format!("<= {limit}"), value, value <= limit)
    }

    /// The goal: a value of this or more.
    pub(super) fn at_least(self, limit: f64) -> Self {
        let value = self.value;
        self.with_goal(format!(">= {limit}"), value, value >= limit)
    }

    /// The goal: a 99th percentile below this.
    pub(super) fn p99_below(self, limit: f64) -> Self {
        let p99 = self.p99.or(self.max).unwrap_or(self.value);
        self.with_goal(format!("p99 < {limit}"), p99, p99 < limit)
    }

    fn with_goal(self, text: String, compared: f64, met: bool) -> Self {
        let goal = Some(Goal { text, compared, met });
        Self { goal, ..self }
    }
}

impl Report {
    pub(super) fn new(machine: Machine) -> Self {
        Self {
            machine,
            sections: Vec::new(),
            not_measured: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    pub(super) fn not_measured(&mut self, what: &'static str) {
        self.not_measured.push(what);
    }

    /// Each missed goal as one line.
    fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for section in &self.sections {
            for row in &section.rows {
                if let Some(goal) = row.goal.as_ref().filter(|goal| !goal.met) {
                    let (title, what, figure) = (section.title, &row.what, figure(goal.compared));
                    missed.push(format!("{title}: {what}: {figure} {}, goal {}", row.unit, goal.text));
                }
            }
        }
        missed
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        writeln!(f, "Values with a spread are medians; the others were measured once.")?;
        for section in &self.sections {
            write!(f, "\n{section}")?;
        }
        let list = |f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]| {
            writeln!(f, "\n{title}{}", if lines.is_empty() { " none" } else { "" })?;
            lines.iter().try_for_each(|line| writeln!(f, "  - {line}"))
        };
        list(f, "Goals missed:", &self.missed())?;
        let not_measured: Vec<_> = self.not_measured.iter().map(ToString::to_string).collect();
        list(f, "Not measured:", &not_measured)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.title.to_uppercase(), self.note)?;
        let width = self.rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
        let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 8]| {
            let [what, value, min, p99, max, unit, goal, met] = cells;
            let text = format!("  {what:width$} {value:>10} {min:>10} {p99:>10} {max:>10}  {unit:13} {goal:11} {met}");
            writeln!(f, "{}", text.trim_end())
        };
        line(f, ["", "value", "min", "p99", "max", "unit", "goal", "met"])?;
        for row in &self.rows {
            let optional = |value: Option<f64>| value.map(figure).unwrap_or_default();
            let (goal, met) = match &row.goal {
                Some(goal) => (goal.text.as_str(), if goal.met { "yes" } else { "NO" }),
                None => ("", ""),
            };
            let (value, min, p99, max) = (
                figure(row.value),
                optional(row.min),
                optional(row.p99),
                optional(row.max),
            );
            line(f, [&row.what, &value, &min, &p99, &max, row.unit, goal, met])?;
        }
        Ok(())
    }
}

/// Three significant digits.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        serde_json::from_value(serde_json::json!({
            "cpu": "Example CPU", "cores": 2, "kernel": "6.1.0", "load": "0.00", "postgres": "18", "profile": "release",
        }))
        .unwrap()
    }

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values.to_vec()).unwrap()
    }

    #[test]
    fn goal_is_met_only_on_its_side() {
        let met = |row: Row| row.goal.unwrap().met;
        assert!(met(Row::single("ratio", "x hello", 1.59).below(1.6)));
        assert!(!met(Row::single("ratio", "x hello", 1.6).below(1.6)));
        assert!(met(Row::single("rate", "1/s", 301.0).above(300.0)));
        assert!(!met(Row::single("rate", "1/s", 300.0).above(300.0)));
        assert!(met(Row::single("flat", "x empty", 1.1).at_most(1.1)));
        assert!(!met(Row::single("flat", "x empty", 1.11).at_most(1.1)));
        assert!(met(Row::single("ratio", "x baseline", 4.0).at_least(4.0)));
        assert!(!met(Row::single("ratio", "x baseline", 3.99).at_least(4.0)));
    }

    #[test]
    fn p99_goal_uses_the_maximum_of_few_values() {
        let met = |values: &[f64]| Row::of("line", "us", &sample(values)).p99_below(50.0).goal.unwrap().met;
        assert!(met(&[1.0, 2.0]));
        assert!(!met(&[1.0, 51.0]));
        let mut many = vec![1.0; 500];
        many[0] = 1000.0;
        assert!(met(&many), "one outlier of 500 is beyond the 99th percentile");
    }

    #[test]
    fn report_ends_with_missed_and_unmeasured_goals() {
        let mut report = Report::new(machine());
        let rows = vec![
            Row::single("fast", "us", 1.0).below(2.0),
            Row::single("slow", "us", 3.0).below(2.0),
            Row::single("neither", "us", 9.0),
        ];
        report.add(Section {
            title: "Things",
            note: "A note.".to_owned(),
            rows,
        });
        report.not_measured("the weather");
        let text = report.to_string();
        let end = text.split_once("Goals missed:").unwrap().1;
        assert_eq!(
            end,
            "\n  - Things: slow: 3.00 us, goal < 2\n\nNot measured:\n  - the weather\n"
        );
        assert!(text.contains("Example CPU") && text.contains("THINGS"), "{text}");
    }

    #[test]
    fn report_without_missed_goals_lists_none() {
        assert!(Report::new(machine()).to_string().contains("Goals missed: none\n"));
    }
}
