//! `countersign trace`: one piece of work as a timeline.

mod missing;
mod offset;
mod subject;
mod timeline;

use std::io::Write as _;

use clap::Args;
use jiff::Timestamp;
use model::{Clock, SystemClock};
use store::{AuditFilter, AuditOrder, AuditRow, AuditStory, PushedCommit, Store, StoryLines};
use uuid::Uuid;

use self::subject::TraceSubject;
use crate::args::database::{Database, Login};
use crate::output::table::Table;
use crate::output::terminal::{Color, Palette, Style, sanitize};
use crate::output::{CommandError, Ending, counted, remark, standard};

const PAGE: u32 = 1_000;

/// Show one delivery, poll cycle, admin action or command from beginning to end: a line for each step.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 found, 1 nothing found, 2 invalid command line, 3 database error, 4 output error."
)]
pub(crate) struct Arguments {
    /// A correlation id or the id of an entry (a UUID), a W3C trace id (32 hex digits, or a full traceparent), or GitLab's id of a
    /// comment with a command (a number)
    #[arg(value_name = "CORRELATION-ID|TRACE-ID|NOTE-ID", value_parser = TraceSubject::parse)]
    subject: TraceSubject,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(flatten)]
    database: Database,
}

/// Everything known about it.
struct Story {
    correlation_ids: Vec<Uuid>,
    entries: Vec<AuditRow>,
    rest: AuditStory,
}

impl Arguments {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let store = self.database.open(Login::Auditor).await?;
        let known = Story::of(&store, &self.subject).await?;
        let lines = timeline::lines(&known.entries, &known.rest);
        let Some((begin, end)) = lines.first().zip(lines.last()).map(|(first, last)| (first.at, last.at)) else {
            remark(&format!("nothing found for {}", self.subject));
            return Ok(Ending::Nothing);
        };
        let palette = Palette::new(self.color);
        let mut out = standard();
        for line in known.heading(begin, end) {
            writeln!(out, "{}", palette.paint(Style::Bold, line))?;
        }
        writeln!(out)?;
        let rows: Vec<_> = lines.iter().map(|line| line.cells(begin)).collect();
        Table::new(timeline::heads(), palette).write(&mut out, &rows)?;
        let open = missing::open(&known.entries, &known.rest, SystemClock.now());
        let (style, verdict) = if open.is_empty() {
            (Style::Green, "Trace complete: no gaps, no open calls.".to_owned())
        } else {
            (Style::Yellow, format!("Missing or open: {}.", open.join("; ")))
        };
        writeln!(out, "\n{}", palette.paint(style, verdict))?;
        out.flush()?;
        Ok(Ending::Done)
    }
}

impl Story {
    async fn of(store: &Store, subject: &TraceSubject) -> Result<Self, CommandError> {
        let mut correlation_ids: Vec<Uuid> = Vec::new();
        if let Some(trace_id) = &subject.trace_id {
            let traced = AuditFilter {
                trace_id: Some(trace_id.clone()),
                ..AuditFilter::default()
            };
            correlation_ids = all(store, &traced)
                .await?
                .iter()
                .map(|entry| entry.correlation_id)
                .collect();
            correlation_ids.sort_unstable();
            correlation_ids.dedup();
        }
        if let Some(note_id) = subject.comment {
            correlation_ids.extend(store.note_correlations(note_id).await?);
        }
        if correlation_ids.is_empty() {
            correlation_ids.extend(subject.correlation_id);
        }
        let mut entries = of_correlations(store, &correlation_ids).await?;
        if entries.is_empty() && subject.correlation_id.is_some() {
            let named = AuditFilter {
                entry_id: subject.correlation_id,
                ..AuditFilter::default()
            };
            let named = all(store, &named).await?;
            if !named.is_empty() {
                correlation_ids = named.iter().map(|entry| entry.correlation_id).collect();
                correlation_ids.sort_unstable();
                correlation_ids.dedup();
                entries = of_correlations(store, &correlation_ids).await?;
            }
        }
        let pushes = store.pushes_of(&commits(&entries)).await?;
        let known: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
        entries.extend(pushes.into_iter().filter(|push| !known.contains(&push.id)));
        entries.sort_by_key(|entry| entry.id);
        let rest = store.audit_story(&correlation_ids, &streams(&entries)).await?;
        Ok(Self {
            correlation_ids,
            entries,
            rest,
        })
    }

    fn heading(&self, begin: Timestamp, end: Timestamp) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for id in &self.correlation_ids {
            lines.push(format!("correlation {id}"));
        }
        let mut traces: Vec<&str> = self
            .entries
            .iter()
            .filter_map(|entry| entry.trace_id.as_deref())
            .collect();
        traces.sort_unstable();
        traces.dedup();
        lines.extend(traces.into_iter().map(|id| format!("trace {}", sanitize(id))));
        let mut services: Vec<&str> = Vec::new();
        for entry in &self.entries {
            if !services.contains(&entry.service.as_str()) {
                services.push(&entry.service);
            }
        }
        let took = offset::offset(begin, end);
        let entries = counted(self.entries.len() as u64, "entry", "entries");
        let by = if services.is_empty() {
            String::new()
        } else {
            format!(" by {}", sanitize(&services.join(", ")))
        };
        lines.push(format!(
            "from {begin:.3}, for {}, {entries}{by}",
            took.trim_start_matches('+')
        ));
        lines
    }
}

async fn of_correlations(store: &Store, correlation_ids: &[Uuid]) -> Result<Vec<AuditRow>, CommandError> {
    let mut entries = Vec::new();
    for id in correlation_ids {
        let correlated = AuditFilter {
            correlation_id: Some(*id),
            ..AuditFilter::default()
        };
        entries.extend(all(store, &correlated).await?);
    }
    Ok(entries)
}

/// The commits that the entries say they made (`details.after`), with their projects.
fn commits(entries: &[AuditRow]) -> Vec<PushedCommit> {
    let commit = |entry: &AuditRow| {
        let sha = entry.details.get("after")?.as_str()?.to_owned();
        let (instance, project_id) = project_of(&entry.target_key)?;
        Some(PushedCommit {
            instance,
            project_id,
            sha,
        })
    };
    let mut commits: Vec<_> = entries.iter().filter_map(commit).collect();
    commits.sort_unstable();
    commits.dedup();
    commits
}

/// Instance and project in a target such as `merge_request:main/7301!811` or `project:7301`.
fn project_of(target_key: &str) -> Option<(Option<String>, i64)> {
    let (_, place) = target_key.split_once(':')?;
    let place = place.split('!').next()?;
    let (instance, project) = match place.rsplit_once('/') {
        Some((instance, project)) => (Some(instance.to_owned()), project),
        None => (None, place),
    };
    Some((instance, project.parse().ok()?))
}

/// Every entry that a filter matches, the oldest first.
async fn all(store: &Store, filter: &AuditFilter) -> Result<Vec<AuditRow>, CommandError> {
    let mut entries = Vec::new();
    loop {
        let after = entries.last().map(|last: &AuditRow| last.id);
        let page = store.search_audit(filter, after, AuditOrder::OldestFirst, PAGE).await?;
        let full = page.len() == PAGE as usize;
        entries.extend(page);
        if !full {
            return Ok(entries);
        }
    }
}

/// The range of lines of each stream in the entries.
fn streams(entries: &[AuditRow]) -> Vec<StoryLines> {
    let mut streams: Vec<StoryLines> = Vec::new();
    for line in entries.iter().filter_map(|entry| entry.stream) {
        match streams.iter_mut().find(|stream| stream.stream_id == line.stream_id) {
            Some(stream) => {
                stream.first_seq = stream.first_seq.min(line.seq);
                stream.last_seq = stream.last_seq.max(line.seq);
            }
            None => streams.push(StoryLines {
                stream_id: line.stream_id,
                first_seq: line.seq,
                last_seq: line.seq,
            }),
        }
    }
    streams
}
