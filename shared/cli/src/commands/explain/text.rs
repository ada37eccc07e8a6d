//! The explanation as text.

use std::io::{self, Write};

use jiff::Timestamp;
use model::{GitLabAnswer, MergeRequestKey, VerdictOutcome};
use rules::{ExplainedApproval, Found, explain};
use serde_json::Value;
use store::MergeRequestRecord;

use super::Decided;
use crate::output::counted;
use crate::output::listing::{between, plain, text_cell, time};
use crate::output::table::{Cell, Table};
use crate::output::terminal::{Palette, Style, harmless};

pub(super) fn write(
    out: &mut impl Write,
    key: &MergeRequestKey,
    record: &MergeRequestRecord,
    decisions: &[Decided],
    palette: Palette,
) -> io::Result<()> {
    let title = |text: &str| palette.paint(Style::Bold, text);
    writeln!(out, "{}", title(&format!("{key}")))?;
    if let Some(row) = &record.ledger {
        writeln!(
            out,
            "{} {}",
            harmless(&plain(&row["title"])),
            harmless(&plain(&row["web_url"]))
        )?;
        writeln!(out)?;
        for (name, value) in standing(row) {
            writeln!(out, "  {name:14} {}", harmless(&value))?;
        }
    } else {
        writeln!(out, "It is not in the ledger: no security label was ever seen on it.")?;
    }
    writeln!(
        out,
        "\n{}",
        counted(
            u64::try_from(record.events).unwrap_or(0),
            "event was received",
            "events were received"
        )
    )?;
    if let Some(waiting) = &record.evaluation {
        let why = plain(&waiting["reason"]);
        let next = match waiting["next_attempt_at"].as_str() {
            Some(_) => format!("next reading {}", time(&waiting["next_attempt_at"]).text),
            None => "only an event or `countersign reevaluate` reads it".to_owned(),
        };
        let waits = format!("Waits for GitLab ({}); {next}", harmless(&why));
        writeln!(out, "{}", palette.paint(Style::Yellow, waits))?;
    }
    for decided in decisions {
        decision(out, decided, palette)?;
    }
    if let Some(exception) = &record.exception {
        writeln!(out, "\n{}", title("Exception"))?;
        for name in ["id", "kind", "status", "merged_by_username", "recorded_at"] {
            writeln!(out, "  {name:20} {}", harmless(&plain(&exception[name])))?;
        }
    }
    writeln!(out, "\n{}", title("Effects"))?;
    if record.effects.is_empty() {
        return writeln!(out, "  none");
    }
    let heads = [
        "KIND",
        "DESTINATION",
        "STATE",
        "ATTEMPTS",
        "EXTERNAL ID",
        "UPDATED",
        "REASON",
    ]
    .map(Cell::new);
    let cells = |effect: &Value| {
        let because = ["superseded_because", "last_error"].map(|name| &effect[name]);
        let reason = because
            .into_iter()
            .find(|reason| reason.is_string())
            .unwrap_or(&Value::Null);
        let [kind, destination, state, attempts, external_id] =
            ["kind", "destination", "state", "attempts", "external_id"].map(|name| text_cell(&effect[name]));
        vec![
            kind,
            destination,
            state,
            attempts,
            external_id,
            time(&effect["updated_at"]),
            text_cell(reason),
        ]
    };
    Table::new(heads.to_vec(), palette).write(out, &record.effects.iter().map(cells).collect::<Vec<_>>())
}

/// The current state, line by line, without empty values.
fn standing(row: &Value) -> Vec<(&'static str, String)> {
    let lines = [
        (
            "decision",
            row["decision"]
                .as_str()
                .unwrap_or("open: nothing is decided yet")
                .to_owned(),
        ),
        ("decided", plain(&row["decided_at"])),
        ("reviewer", plain(&row["deciding_reviewer_username"])),
        ("tier", plain(&row["risk_tier"])),
        ("labels", plain(&row["labels"])),
        ("labelled", plain(&row["labelled_at"])),
        ("approved", plain(&row["approved_at"])),
        ("to approval", between(row, "labelled_at", "approved_at").text),
        ("to decision", between(row, "labelled_at", "decided_at").text),
        ("unknown time", plain(&row["time_unknown_reason"])),
        ("author", plain(&row["author_username"])),
        ("merged by", plain(&row["merged_by_username"])),
        ("merged", plain(&row["merged_at"])),
        ("proof", plain(&row["proof"])),
        ("notes", plain(&row["notes"])),
    ];
    lines.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn decision(out: &mut impl Write, decided: &Decided, palette: Palette) -> io::Result<()> {
    let judgement = &decided.judgement;
    let about = match judgement.stage {
        store::Stage::Review => "before the merge",
        store::Stage::Merge => "on the merge",
    };
    let state = if judgement.stands { "current" } else { "superseded" };
    let heading = format!(
        "\nDecision {} {about}, {}, {state}",
        judgement.id,
        readable(judgement.recorded_at)
    );
    writeln!(
        out,
        "{}",
        palette.paint(if judgement.stands { Style::Bold } else { Style::Dim }, heading)
    )?;
    let ledger = judgement
        .review
        .as_ref()
        .and_then(|review| review.decision)
        .map(model::LedgerDecision::as_str);
    writeln!(
        out,
        "  verdict        {}{}",
        outcome(&judgement.verdict.outcome),
        ledger.map(|word| format!("; in the ledger {word}")).unwrap_or_default()
    )?;
    match decided.confirmed() {
        Some(true) => writeln!(out, "  GitLab         {}", palette.paint(Style::Green, "confirmed"))?,
        Some(false) => {
            let unconfirmed = palette.paint(Style::Yellow, "unconfirmed: a needed read was not answered");
            writeln!(out, "  GitLab         {unconfirmed}")?;
        }
        None => {}
    }
    writeln!(out, "  evaluator      {}", evaluator(judgement.evaluator))?;
    for reason in &judgement.verdict.reasons {
        writeln!(
            out,
            "  reason         {}: {}",
            reason.kind.as_str(),
            harmless(&reason.detail)
        )?;
    }
    if let GitLabAnswer::Full(api) = &judgement.facts.api {
        writeln!(out, "  GitLab read    {}", readable(api.read_at))?;
    }
    if let Some(evidence) = &judgement.evidence {
        writeln!(out, "  evidence       {} sha256:{}", evidence.id, evidence.sha256)?;
    }
    let Some(rules) = &decided.rules else {
        return writeln!(
            out,
            "  rules          {} (the file is not kept: decided by an earlier version)",
            judgement.rules_hash
        );
    };
    writeln!(out, "  rules          {}", judgement.rules_hash)?;
    let explanation = explain(&judgement.facts, rules);
    let labels = |labels: &[String]| {
        if labels.is_empty() {
            "none".to_owned()
        } else {
            labels.join(", ")
        }
    };
    writeln!(
        out,
        "  labels         {} at the merge; {} before it",
        harmless(&labels(&explanation.labels_at_merge)),
        harmless(&labels(&explanation.labels_ever))
    )?;
    if let Some(why) = &explanation.no_answer {
        writeln!(out, "  GitLab         gave no answer: {}", harmless(why))?;
    }
    let valid = explanation.approvals.iter().filter(|approval| approval.valid).count();
    writeln!(
        out,
        "  approvals      {valid} valid of {}, {} needed",
        explanation.approvals.len(),
        explanation
            .needed
            .map_or_else(|| "an unknown number".to_owned(), |needed| needed.to_string())
    )?;
    for approval in &explanation.approvals {
        approved(out, approval, palette)?;
    }
    for difference in &explanation.differences {
        writeln!(
            out,
            "  {}",
            palette.paint(Style::Yellow, format!("witnesses differ: {}", harmless(difference)))
        )?;
    }
    Ok(())
}

/// The version of the rules code that made a decision.
fn evaluator(version: i16) -> String {
    if version == rules::EVALUATOR {
        format!("version {version}, this one")
    } else {
        format!(
            "version {version}; the checks below are those of version {}",
            rules::EVALUATOR
        )
    }
}

fn approved(out: &mut impl Write, approval: &ExplainedApproval, palette: Palette) -> io::Result<()> {
    let witnesses = match (approval.in_api, approval.in_history) {
        (true, true) => "seen by both witnesses",
        (true, false) => "seen by GitLab's API alone",
        _ => "seen in the events alone",
    };
    let (style, word) = if approval.valid {
        (Style::Green, "counts")
    } else {
        (Style::Red, "does not count")
    };
    let since = approval.since.map_or_else(|| "at an unknown time".to_owned(), readable);
    writeln!(
        out,
        "    {} {since}, {witnesses}: {}",
        harmless(&approval.user.username),
        palette.paint(style, word)
    )?;
    for check in &approval.checks {
        let (style, mark) = match check.found {
            Found::Clear => (Style::Green, "ok"),
            Found::Against => (Style::Red, "no"),
            Found::Unknown => (Style::Yellow, "??"),
        };
        let detail = check
            .detail
            .as_deref()
            .map(|detail| format!(": {}", harmless(detail)))
            .unwrap_or_default();
        writeln!(out, "      {} {}{detail}", palette.paint(style, mark), check.wanted)?;
    }
    Ok(())
}

fn outcome(outcome: &VerdictOutcome) -> String {
    match outcome {
        VerdictOutcome::NotCarried => "not carried: no security label".to_owned(),
        VerdictOutcome::Declassified => "declassified: an eligible approver took the label off".to_owned(),
        VerdictOutcome::Approved { proof } => format!("approved, proof {}", proof.as_str()),
        VerdictOutcome::Exception { kind } => format!("no valid approval: {}", kind.as_str()),
        VerdictOutcome::Pending { because } => format!("pending: {}", harmless(because)),
    }
}

fn readable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
