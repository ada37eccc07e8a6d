//! The explanation as text.

use std::io::{self, Write};

use jiff::Timestamp;
use model::{GitLabAnswer, MergeRequestKey, VerdictOutcome};
use rules::{ExplainedApproval, Found, explain};
use serde_json::Value;
use store::{MembershipClaim, MergeRequestRecord};

use super::Decided;
use crate::output::counted;
use crate::output::listing::{between, plain, text_cell, time};
use crate::output::table::{Cell, Table};
use crate::output::terminal::{Palette, Style, sanitize};

pub(super) fn write_explanation(
    out: &mut impl Write,
    key: &MergeRequestKey,
    record: &MergeRequestRecord,
    decisions: &[Decided],
    palette: Palette,
) -> io::Result<()> {
    writeln!(out, "{}", palette.paint(Style::Bold, key))?;
    write_ledger(out, record)?;
    let events = u64::try_from(record.events).unwrap_or(0);
    writeln!(out, "\n{} received", counted(events, "event", "events"))?;
    if let Some(waiting) = &record.evaluation {
        let why = plain(&waiting["reason"]);
        let next = match waiting["next_attempt_at"].as_str() {
            Some(_) => format!("next re-read {}", time(&waiting["next_attempt_at"]).text),
            None => "it is re-read only after an event or by `countersign reevaluate`".to_owned(),
        };
        let waits = format!("Waiting for GitLab ({}); {next}", sanitize(&why));
        writeln!(out, "{}", palette.paint(Style::Yellow, waits))?;
    }
    for decided in decisions {
        write_decision(out, decided, palette)?;
    }
    if let Some(exception) = &record.exception {
        writeln!(out, "\n{}", palette.paint(Style::Bold, "Exception"))?;
        for name in ["id", "kind", "status", "merged_by_username", "recorded_at"] {
            writeln!(out, "  {name:20} {}", sanitize(&plain(&exception[name])))?;
        }
    }
    write_effects(out, &record.effects, palette)
}

fn write_ledger(out: &mut impl Write, record: &MergeRequestRecord) -> io::Result<()> {
    let Some(row) = &record.ledger else {
        return writeln!(out, "Not in the ledger: no security label was found.");
    };
    let (title, url) = (plain(&row["title"]), plain(&row["web_url"]));
    writeln!(out, "{} {}\n", sanitize(&title), sanitize(&url))?;
    for (name, value) in ledger_lines(row) {
        writeln!(out, "  {name:14} {}", sanitize(&value))?;
    }
    Ok(())
}

fn write_effects(out: &mut impl Write, effects: &[Value], palette: Palette) -> io::Result<()> {
    writeln!(out, "\n{}", palette.paint(Style::Bold, "Effects"))?;
    if effects.is_empty() {
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
    Table::new(heads.to_vec(), palette).write(out, &effects.iter().map(cells).collect::<Vec<_>>())
}

/// Claims explain why a member counted or not; they are never part of a verdict.
pub(super) fn write_claims(out: &mut impl Write, claims: &[MembershipClaim], palette: Palette) -> io::Result<()> {
    if claims.is_empty() {
        return Ok(());
    }
    let title = "Changes of the approver group that GitLab's audit stream reports (claims, not part of the verdict)";
    writeln!(out, "\n{}", palette.paint(Style::Bold, title))?;
    let heads = ["TIME", "CHANGE", "MEMBER", "MEMBER ID", "BY ID"].map(Cell::new);
    let cells = |claim: &MembershipClaim| {
        let text = |text: Option<&str>| Cell::new(sanitize(text.unwrap_or_default()));
        vec![
            Cell::new(format!("{:.3}", claim.at)),
            text(Some(&claim.event_type)),
            text(claim.member.as_deref()),
            text(claim.member_id.as_deref()),
            Cell::new(claim.author_id.map(|id| id.to_string()).unwrap_or_default()),
        ]
    };
    Table::new(heads.to_vec(), palette).write(out, &claims.iter().map(cells).collect::<Vec<_>>())
}

/// The ledger row, line by line, without empty values.
fn ledger_lines(row: &Value) -> Vec<(&'static str, String)> {
    let lines = [
        (
            "decision",
            row["decision"].as_str().unwrap_or("open: no decision yet").to_owned(),
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

fn write_decision(out: &mut impl Write, decided: &Decided, palette: Palette) -> io::Result<()> {
    // 1. The decision: when, at which stage, and whether it is current.
    let decision = &decided.decision;
    let about = match decision.stage {
        store::DecisionStage::Review => "before the merge",
        store::DecisionStage::Merge => "on the merge",
    };
    let (state, style) = if decision.current {
        ("current", Style::Bold)
    } else {
        ("superseded", Style::Dim)
    };
    let heading = format!(
        "\nDecision {} {about}, {}, {state}",
        decision.id,
        readable(decision.recorded_at)
    );
    writeln!(out, "{}", palette.paint(style, heading))?;
    // 2. Its verdict, and whether GitLab confirmed it.
    let ledger = decision
        .review
        .as_ref()
        .and_then(|review| review.decision)
        .map(model::LedgerDecision::as_str);
    writeln!(
        out,
        "  verdict        {}{}",
        outcome(&decision.verdict.outcome),
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
    writeln!(out, "  evaluator      {}", evaluator(decision.evaluator))?;
    // 3. Its reasons and sources.
    for reason in &decision.verdict.reasons {
        let detail = sanitize(&reason.detail);
        writeln!(out, "  reason         {}: {detail}", reason.kind.as_str())?;
    }
    if let GitLabAnswer::Full(api) = &decision.facts.api {
        writeln!(out, "  GitLab read    {}", readable(api.read_at))?;
    }
    if let Some(evidence) = &decision.evidence {
        writeln!(out, "  evidence       {} sha256:{}", evidence.id, evidence.sha256)?;
    }
    write_checks(out, decided, palette)
}

/// The rules of a decision, and what each of them found.
fn write_checks(out: &mut impl Write, decided: &Decided, palette: Palette) -> io::Result<()> {
    let hash = &decided.decision.rules_hash;
    let Some(rules) = &decided.rules else {
        return writeln!(
            out,
            "  rules          {hash} (file not stored: decided by an earlier version)"
        );
    };
    writeln!(out, "  rules          {hash}")?;
    let explanation = explain(&decided.decision.facts, rules);
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
        sanitize(&labels(&explanation.labels_at_merge)),
        sanitize(&labels(&explanation.labels_ever))
    )?;
    if let Some(why) = &explanation.no_answer {
        writeln!(out, "  GitLab         no answer: {}", sanitize(why))?;
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
        write_approval(out, approval, palette)?;
    }
    for difference in &explanation.differences {
        let line = format!("sources differ: {}", sanitize(difference));
        writeln!(out, "  {}", palette.paint(Style::Yellow, line))?;
    }
    Ok(())
}

/// The version of the rules code that made a decision.
fn evaluator(version: i16) -> String {
    if version == rules::EVALUATOR {
        format!("version {version}, current")
    } else {
        format!(
            "version {version}; the checks below are those of version {}",
            rules::EVALUATOR
        )
    }
}

fn write_approval(out: &mut impl Write, approval: &ExplainedApproval, palette: Palette) -> io::Result<()> {
    let sources = match (approval.in_api, approval.in_history) {
        (true, true) => "shown by both sources",
        (true, false) => "shown only by GitLab's API",
        _ => "shown only by the events",
    };
    let (style, word) = if approval.valid {
        (Style::Green, "counts")
    } else {
        (Style::Red, "does not count")
    };
    let since = approval.since.map_or_else(|| "at an unknown time".to_owned(), readable);
    writeln!(
        out,
        "    {} {since}, {sources}: {}",
        sanitize(&approval.user.username),
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
            .map(|detail| format!(": {}", sanitize(detail)))
            .unwrap_or_default();
        writeln!(out, "      {} {}{detail}", palette.paint(style, mark), check.wanted)?;
    }
    Ok(())
}

fn outcome(outcome: &VerdictOutcome) -> String {
    match outcome {
        VerdictOutcome::NotCarried => "not_carried: no security label".to_owned(),
        VerdictOutcome::Declassified => "declassified: an eligible approver removed the label".to_owned(),
        VerdictOutcome::Approved { proof } => format!("approved, proof {}", proof.as_str()),
        VerdictOutcome::Exception { kind } => format!("no valid approval: {}", kind.as_str()),
        VerdictOutcome::Pending { because } => format!("pending: {}", sanitize(because)),
    }
}

fn readable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
