//! From the start of a process to its first poll of the Lambda Runtime API, and how that time is spent.

use std::time::Duration;

use super::binaries::{Binaries, FUNCTIONS, HELLO};
use super::process::{Initialised, Process};
use super::report::{Row, Section};
use super::sample::{Sample, milliseconds};
use super::stage::Stage;
use super::{Effort, Result, progress};

/// Goals as multiples of a function that does nothing.
const WEBHOOK_BELOW: f64 = 1.6;
const OTHERS_BELOW: f64 = 2.0;

const NOTE: &str = "\
Every binary once per round, in turn, up to its first poll of the Lambda Runtime API. The goal applies to a start with all clients built,
without waiting for secrets (over plain HTTP here) and for the database. \"exec\" is the rest without clients and secrets:
loading the program, and its first connection to the Runtime API.";

/// One start.
struct Start {
    whole: Duration,
    said: Option<Initialised>,
}

impl Start {
    fn micros(&self, part: fn(&Initialised) -> u32) -> Duration {
        Duration::from_micros(self.said.as_ref().map_or(0, part).into())
    }

    fn secrets(&self) -> Duration {
        self.micros(|said| said.secrets_us)
    }

    fn without_secrets(&self) -> Duration {
        self.whole.saturating_sub(self.secrets())
    }

    fn exec(&self) -> Duration {
        self.whole.saturating_sub(self.micros(|said| said.total_us))
    }
}

pub(super) async fn measure(binaries: &Binaries, effort: &Effort) -> Result<Section> {
    progress(&format!("start-up: {} rounds", effort.starts));
    let stage = Stage::new().await;
    let names = [HELLO].into_iter().chain(FUNCTIONS);
    let mut all: Vec<(&str, Vec<Start>)> = names.map(|name| (name, Vec::new())).collect();
    // The first round loads the files into memory and is not counted.
    for round in 0..=effort.starts {
        for (name, starts) in &mut all {
            let start = start(binaries, name, &stage).await?;
            if round > 0 {
                starts.push(start);
            }
        }
        stage.wipe();
    }
    Ok(Section {
        title: "Start-up",
        note: NOTE.to_owned(),
        rows: rows(&all)?,
    })
}

async fn start(binaries: &Binaries, name: &str, stage: &Stage) -> Result<Start> {
    let process = Process::start(&binaries.path(name), &stage.variables()).await?;
    let whole = process.started().await?;
    let said = process.initialised()?;
    if said.is_none() && name != HELLO {
        return Err(format!("{name} did not report the duration of its start").into());
    }
    Ok(Start { whole, said })
}

fn rows(all: &[(&str, Vec<Start>)]) -> Result<Vec<Row>> {
    let sample = |starts: &[Start], part: fn(&Start) -> Duration| {
        let values = starts.iter().map(|start| milliseconds(part(start))).collect();
        Sample::new(values).ok_or("there was no start")
    };
    let mut rows = Vec::new();
    let mut hello = f64::NAN;
    for (name, starts) in all {
        let whole = sample(starts, |start| start.whole)?;
        rows.push(Row::of(*name, "ms", &whole));
        if *name == HELLO {
            hello = whole.median();
            continue;
        }
        let built = sample(starts, Start::without_secrets)?;
        let limit = if *name == "webhook" {
            WEBHOOK_BELOW
        } else {
            OTHERS_BELOW
        };
        let row = |what: &str| format!("{name}: {what}");
        let ratio = |value: f64, what| Row::single(row(what), "x hello", value / hello);
        rows.push(ratio(built.median(), "all clients built").below(limit));
        rows.push(ratio(whole.median(), "and secrets read"));
        let phase =
            |what, part: fn(&Start) -> Duration| Ok::<_, &str>(Row::of(row(what), "ms", &sample(starts, part)?));
        rows.push(phase("exec", Start::exec)?);
        rows.push(phase("clients", |start| start.micros(|said| said.clients_us))?);
        if starts.iter().any(|start| !start.secrets().is_zero()) {
            let what = if *name == "webhook" {
                "secret"
            } else {
                "secrets, database"
            };
            rows.push(phase(what, Start::secrets)?);
        }
    }
    Ok(rows)
}
