//! `countersign audit gaps`: what is missing in the audit log, what waits, and how far behind each destination is.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;
use model::{Clock, SystemClock};
use store::{AuditBacklog, OpenCall, RecordedGap};

use crate::args::database::{Database, Login};
use crate::output::table::{Cell, Table};
use crate::output::terminal::{Color, Palette, Style, sanitize};
use crate::output::{CommandError, Ending, counted, standard};

/// Show what is missing in the audit log: gaps, open calls, waiting lines, and how far behind each destination is.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 shown, even if lines are missing; 2 invalid command line, 3 database error, 4 output error."
)]
pub(crate) struct Arguments {
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(flatten)]
    database: Database,
}

struct Missing {
    backlog: AuditBacklog,
    gaps: Vec<RecordedGap>,
    calls: Vec<OpenCall>,
}

impl Arguments {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let now = SystemClock.now();
        let missing = self.load(now).await?;
        let mut out = standard();
        missing.write(&mut out, Palette::new(self.color), now)?;
        out.flush()?;
        Ok(Ending::Done)
    }

    async fn load(&self, now: Timestamp) -> Result<Missing, CommandError> {
        let store = self.database.open(Login::Auditor).await?;
        Ok(Missing {
            backlog: store.audit_backlog(now).await?,
            gaps: store.audit_gaps().await?,
            calls: store.announced_audit_calls().await?,
        })
    }
}

impl Missing {
    fn write(&self, out: &mut impl Write, palette: Palette, now: Timestamp) -> std::io::Result<()> {
        let open = self.gaps.iter().filter(|gap| gap.closed_at.is_none()).count();
        let title = format!(
            "{}, {open} of them open",
            counted(self.gaps.len() as u64, "gap", "gaps")
        );
        section(
            out,
            palette,
            &title,
            &["DETECTED", "SERVICE", "STREAM", "LINES", "REASON", "STATE"],
            self.gaps.iter().map(gap),
        )?;
        let title = counted(self.calls.len() as u64, "open call", "open calls");
        let heads = ["STARTED", "SERVICE", "CALL", "TARGET", "STATE", "CORRELATION"];
        section(out, palette, &title, &heads, self.calls.iter().map(call))?;
        let destinations = &self.backlog.destinations;
        let title = counted(destinations.len() as u64, "destination", "destinations");
        let heads = ["NAME", "BEHIND", "OLDEST", "STATE", "REJECTED"];
        section(
            out,
            palette,
            &title,
            &heads,
            destinations.iter().map(|at| destination(at, now)),
        )?;
        self.waiting(out, palette, now)
    }

    fn waiting(&self, out: &mut impl Write, palette: Palette, now: Timestamp) -> std::io::Result<()> {
        let backlog = &self.backlog;
        let lines = |count: i64, what: &str| format!("{count} {} {what}", if count == 1 { "line" } else { "lines" });
        let oldest = backlog
            .oldest_waiting
            .map(|since| format!(", the oldest for {}", ago(since, now)));
        writeln!(
            out,
            "{}{}",
            lines(backlog.waiting_lines, "waiting for a position"),
            oldest.unwrap_or_default()
        )?;
        writeln!(out, "{}", lines(backlog.quarantined_lines, "in quarantine"))?;
        let months = backlog.partitions_ahead;
        let (style, months) = match months {
            0 => (Style::Red, "no partition for the coming months".to_owned()),
            1 => (Style::Yellow, "partitions for 1 coming month".to_owned()),
            many => (Style::Plain, format!("partitions for {many} coming months")),
        };
        writeln!(out, "{}", palette.paint(style, months))
    }
}

fn section(
    out: &mut impl Write,
    palette: Palette,
    title: &str,
    heads: &[&str],
    rows: impl Iterator<Item = Vec<Cell>>,
) -> std::io::Result<()> {
    writeln!(out, "{}", palette.paint(Style::Bold, title))?;
    let heads = heads.iter().map(|head| Cell::new(*head).style(Style::Dim)).collect();
    Table::new(heads, palette).write(out, &rows.collect::<Vec<_>>())?;
    writeln!(out)
}

fn gap(gap: &RecordedGap) -> Vec<Cell> {
    let state = match gap.closed_at {
        None => Cell::new(format!("{} missing", gap.missing)).style(Style::Yellow),
        Some(at) => Cell::new(format!("closed {at:.3}")).style(Style::Green),
    };
    let lines = if gap.first_seq == gap.last_seq {
        gap.first_seq.to_string()
    } else {
        format!("{}-{}", gap.first_seq, gap.last_seq)
    };
    vec![
        Cell::new(format!("{:.3}", gap.detected_at)),
        Cell::new(sanitize(gap.service.as_deref().unwrap_or("?"))),
        Cell::new(gap.stream_id.to_string()),
        Cell::new(lines),
        Cell::new(sanitize(&gap.reason)),
        state,
    ]
}

fn call(call: &OpenCall) -> Vec<Cell> {
    let state = if call.reported_at.is_some() {
        Cell::new("reported").style(Style::Yellow)
    } else {
        Cell::new("waiting")
    };
    vec![
        Cell::new(format!("{:.3}", call.begun_at)),
        Cell::new(sanitize(&call.service)),
        Cell::new(sanitize(&call.call)),
        Cell::new(sanitize(&call.target_key)),
        state,
        Cell::new(call.correlation_id.to_string()),
    ]
}

fn destination(at: &store::DestinationBacklog, now: Timestamp) -> Vec<Cell> {
    let state = match at.failing_since {
        None => Cell::new("ok").style(Style::Green),
        Some(since) => Cell::new(format!("failing for {}, {} times", ago(since, now), at.failures)).style(Style::Red),
    };
    vec![
        Cell::new(sanitize(&at.name)),
        Cell::new(at.behind.to_string()).right(),
        Cell::new(at.oldest.map(|oldest| ago(oldest, now)).unwrap_or_default()).right(),
        state,
        Cell::new(at.undelivered.to_string()),
    ]
}

/// `42 s`, `7 min`, `3 h`, `2 d`.
fn ago(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
