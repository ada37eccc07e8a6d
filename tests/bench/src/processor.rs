//! The warm processor function: batches of ten deliveries, one transaction each, on empty and on full databases; also the processor
//! of a baseline.

mod check;
mod cost;
mod site;

use std::time::Duration;

use super::baseline::Baseline;
use super::binaries::Binaries;
use super::load::{BATCH, Kind};
use super::report::Section;
use super::{Effort, Result, progress};
use check::check;
use cost::Cost;
use site::{Site, Used};

/// Batches of each kind before the first that counts.
const WARM_UP: u64 = 5;

const NOTE: &str = "\
One environment, batches of 10; each delivery is for another merge request and written in a separate transaction; commits are as
durable as the Postgres settings above. GitLab and SQS are doubles on this machine and share its cores. All processors and databases
take turns, batch by batch; \"flat\" is the time of a batch relative to the empty table. ms/delivery is CPU time of the processor,
its Postgres backends and the doubles. A baseline's processor has an empty database with its own schema.";

pub(super) async fn measure(binaries: &Binaries, effort: &Effort) -> Result<Section> {
    let mut sites = vec![Site::of_this(binaries, 0).await?];
    if effort.baseline {
        sites.push(Site::of_baseline(&Baseline::built()?).await?);
    }
    for rows in &effort.rows {
        sites.push(Site::of_this(binaries, *rows).await?);
    }

    let mut rows = Vec::new();
    let kinds = [
        (Kind::Update, "recorded only", effort.updates),
        (Kind::PlainMerge, "merge, no label", effort.plain_merges),
        (Kind::Exception, "merge, exception", effort.exceptions),
    ];
    let mut first = 0;
    for (kind, what, count) in kinds {
        progress(&format!("processor: {count} deliveries on each database: {what}"));
        let costs = work(&sites, kind, first, count).await?;
        rows.extend(cost::rows(kind, what, &costs));
        first += (count.div_ceil(BATCH) + WARM_UP) * BATCH;
    }
    for site in &sites {
        check(site, effort).await?;
    }
    Ok(Section {
        title: "Processor",
        note: NOTE.to_owned(),
        rows,
    })
}

/// Sends the same deliveries to every processor, batch by batch in turn.
async fn work(sites: &[Site], kind: Kind, first: u64, count: u64) -> Result<Vec<Cost>> {
    let mut walls: Vec<Vec<Duration>> = vec![Vec::new(); sites.len()];
    let mut before = vec![Used::default(); sites.len()];
    let mut doubles = vec![Duration::ZERO; sites.len()];
    for batch in 0..WARM_UP + count.div_ceil(BATCH) {
        for (index, site) in sites.iter().enumerate() {
            if batch == WARM_UP {
                before[index] = site.used().await?;
            }
            let (wall, used) = site.batch(kind, first + batch * BATCH).await?;
            if batch >= WARM_UP {
                walls[index].push(wall);
                doubles[index] += used;
            }
        }
    }
    let mut costs = Vec::new();
    for (((site, walls), before), doubles) in sites.iter().zip(walls).zip(before).zip(doubles) {
        let used = site.used().await?.since(before);
        costs.push(Cost::new(site.version.clone(), walls, Used { doubles, ..used })?);
    }
    Ok(costs)
}
