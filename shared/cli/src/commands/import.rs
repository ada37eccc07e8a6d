//! `countersign audit import`: imports missing lines from a file or a pipe.

mod document;
mod lines;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use audit::line_schema::{self, LONGEST, ParsedLine};
use clap::Args;
use model::{Clock, SystemClock};
use store::{AuditBatch, MalformedLine, Store};

use crate::args::database::{Database, Login};
use crate::output::{CommandError, Ending, counted, remark};

/// Lines per transaction.
const BATCH: usize = 500;
/// On a terminal, progress is reported after this many batches.
const PROGRESS_EVERY: u64 = 20;

/// Store missing lines: printed lines, or the JSON of `aws logs filter-log-events`. Safe to repeat: an entry is stored once.
#[derive(Debug, Args)]
#[command(after_help = "\
Accepts printed lines, alone or after a timestamp (`aws logs tail`), the JSON document of `aws logs filter-log-events`, or its events, one
per line. Lines that are not audit lines are skipped. The login must be allowed to write entries: the owner's or the application's.

Exit codes: 0 done, 1 no audit line found, 2 invalid command line, 3 database error (stored lines remain; run the command again), 4 file error.")]
pub(crate) struct Arguments {
    /// The file, or - for standard input
    file: PathBuf,
    #[command(flatten)]
    database: Database,
}

/// Counts of imported lines.
#[derive(Debug, Default)]
struct Tally {
    lines: u64,
    entries: u64,
    intents: u64,
    new: u64,
    duplicates: u64,
    quarantined: u64,
}

/// Stores lines.
struct Importer<'a> {
    store: &'a Store,
    source: String,
    batch: AuditBatch,
    tally: Tally,
    batches: u64,
    shows_progress: bool,
}

impl Arguments {
    pub(crate) async fn run(&self) -> Result<Ending, CommandError> {
        let reader = open(&self.file)?;
        let store = self.database.open(Login::Owner).await?;
        let mut importer = Importer::new(&store, source(&self.file));
        let name = self.file.display();
        for message in lines::messages(reader) {
            let message = message.map_err(|error| CommandError::File(format!("{name}: {error}")))?;
            importer.add(&message).await?;
        }
        importer.store().await?;
        let tally = importer.tally;
        remark(&tally.to_string());
        Ok(Ending::found(tally.entries + tally.intents + tally.quarantined))
    }
}

fn open(file: &Path) -> Result<Box<dyn Read>, CommandError> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).map_err(|error| CommandError::File(format!("{}: {error}", file.display())))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// The file name without its folder, so that the same file from elsewhere is the same source.
fn source(file: &Path) -> String {
    match file.file_name().filter(|name| *name != "-") {
        Some(name) => format!("import {}", name.to_string_lossy()),
        None => "import standard input".to_owned(),
    }
}

impl<'a> Importer<'a> {
    fn new(store: &'a Store, source: String) -> Self {
        Self {
            store,
            batch: AuditBatch {
                source: source.clone(),
                ..AuditBatch::default()
            },
            source,
            tally: Tally::default(),
            batches: 0,
            shows_progress: io::stderr().is_terminal(),
        }
    }

    async fn add(&mut self, line: &str) -> Result<(), CommandError> {
        self.tally.lines += 1;
        match line_schema::parse_line(line) {
            Ok(ParsedLine::Entry(mut entry)) => {
                self.tally.entries += 1;
                // Another service numbers its own lines; the stored number is of another stream than the line's, and must not count as
                // one of ours.
                if entry.details.contains_key("producer_entry_id") {
                    entry.stream = None;
                }
                self.batch.entries.push(*entry);
            }
            Ok(ParsedLine::Intent(intent)) => {
                self.tally.intents += 1;
                self.batch.intents.push(*intent);
            }
            Ok(ParsedLine::Other) => {}
            Err(malformed) => self.batch.malformed.push(malformed_line(line, malformed.to_string())),
        }
        if self.batch.entries.len() + self.batch.intents.len() + self.batch.malformed.len() >= BATCH {
            self.store().await?;
        }
        Ok(())
    }

    async fn store(&mut self) -> Result<(), CommandError> {
        let next = AuditBatch {
            source: self.source.clone(),
            ..AuditBatch::default()
        };
        let batch = std::mem::replace(&mut self.batch, next);
        if batch.entries.is_empty() && batch.intents.is_empty() && batch.malformed.is_empty() {
            return Ok(());
        }
        let report = self.store.record_audit_batch(&batch, SystemClock.now()).await?;
        self.tally.new += report.new.len() as u64;
        self.tally.duplicates += report.duplicates;
        self.tally.quarantined += report.quarantined;
        self.batches += 1;
        if self.shows_progress && self.batches.is_multiple_of(PROGRESS_EVERY) {
            remark(&self.tally.to_string());
        }
        Ok(())
    }
}

/// A line for the quarantine: bounded, and without characters that Postgres text cannot hold.
fn malformed_line(line: &str, reason: String) -> MalformedLine {
    let end = line.floor_char_boundary(LONGEST);
    MalformedLine {
        line: line[..end].replace('\0', "\u{fffd}"),
        reason,
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            new,
            duplicates,
            quarantined,
            ..
        } = self;
        write!(
            f,
            "{} read: {}, of which {new} new, {duplicates} already stored; {}; {quarantined} quarantined",
            counted(self.lines, "line", "lines"),
            counted(self.entries, "entry", "entries"),
            counted(self.intents, "announced call", "announced calls"),
        )
    }
}
