//! How figures meet goals, and the end of the report.

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
