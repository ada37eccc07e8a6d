//! The embedded audit queue: how long the calling code waits for an entry, by destination and durability.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_delivery::settings::Transport;
use audit_delivery::{AuditQueue, AuditQueueSettings, Durability, Until};
use audit_delivery::{Destination, FileDestination, HttpDestination, HttpOptions, SyslogDestination, SyslogOptions};
use model::SystemClock;
use url::Url;

use super::audit_line::sample_entry;
use super::report::{Row, Section};
use super::sample::{Sample, microseconds};
use super::{Effort, Result, progress};
use doubles::siem::{self, SiemDouble};
use doubles::syslog::SyslogDouble;

/// The most that an entry may add to an operation, in microseconds.
const BELOW: f64 = 5_000.0;
/// How long an entry may exist only in memory.
const SOON: Duration = Duration::from_millis(50);
/// Entries before the first that counts.
const WARM_UP: usize = 200;
/// Longer than any delivery takes here.
const PATIENCE: Duration = Duration::from_mins(2);

const NOTE: &str = "\
One entry written into an audit queue on this disk, while another thread delivers to a receiver on the loopback interface.
`soon`: on the disk within 50 ms; `each`: on the disk before the write returns, which costs an fdatasync. Entries/s: from the first
write until the receiver has acknowledged all of them. The Lambda functions do not need this: they print a line for any destination.";

enum Receiver {
    File,
    Syslog(SyslogDouble),
    Http(SiemDouble),
}

pub(super) async fn measure(effort: &Effort) -> Result<Section> {
    let mut rows = Vec::new();
    for (name, receiver) in [
        ("file", Receiver::File),
        ("syslog over UDP", Receiver::Syslog(SyslogDouble::start(Transport::Udp))),
        ("syslog over TCP", Receiver::Syslog(SyslogDouble::start(Transport::Tcp))),
        ("syslog over TLS", Receiver::Syslog(SyslogDouble::start(Transport::Tls))),
        ("http", Receiver::Http(siem::start().await)),
    ] {
        for (how, durability) in [("soon", Durability::Within(SOON)), ("each", Durability::EachEntry)] {
            progress(&format!(
                "embedded audit queue: {} entries to {name}, {how}",
                effort.embedded
            ));
            let folder = tempfile::tempdir()?;
            let destination = receiver.destination(folder.path())?;
            let (sample, rate) = written(destination, durability, folder.path(), effort.embedded)?;
            rows.push(Row::of(format!("{name}, {how}"), "us", &sample).p99_below(BELOW));
            rows.push(Row::single(format!("{name}, {how}: delivered"), "entries/s", rate));
        }
    }
    Ok(Section {
        title: "Audit queue embedded in another service",
        note: NOTE.to_owned(),
        rows,
    })
}

impl Receiver {
    fn destination(&self, folder: &Path) -> Result<Box<dyn Destination>> {
        Ok(match self {
            Self::File => Box::new(FileDestination::new(folder.join("audit.jsonl"))),
            Self::Syslog(double) => {
                let options = SyslogOptions {
                    private_ca_pem: double.ca_pem().map(str::to_owned),
                    ..SyslogOptions::default()
                };
                Box::new(SyslogDestination::new(double.address().clone(), options)?)
            }
            Self::Http(double) => {
                let endpoint = Url::parse(&double.url())?.join("in")?;
                let clock = Arc::new(SystemClock);
                Box::new(HttpDestination::new(endpoint, HttpOptions::default(), clock)?)
            }
        })
    }
}

/// Microseconds of each write, and entries delivered per second.
fn written(
    destination: Box<dyn Destination>,
    durability: Durability,
    folder: &Path,
    count: usize,
) -> Result<(Sample, f64)> {
    let audit_queue = AuditQueue::open(AuditQueueSettings {
        destinations: vec![destination],
        durability,
        ..AuditQueueSettings::new("bench", folder.join("queue"))
    })?;
    let (writer, entry) = (audit_queue.writer(), sample_entry());
    let mut times = Vec::with_capacity(count);
    for _ in 0..WARM_UP {
        writer.write(&entry);
    }
    let first = Instant::now();
    for _ in 0..count {
        let begun = Instant::now();
        writer.write(&entry);
        times.push(microseconds(begun.elapsed()));
    }
    if !audit_queue.flush(Until::Delivered, PATIENCE) {
        return Err(format!("not delivered in time: {:?}", audit_queue.health()).into());
    }
    let count = f64::from(u32::try_from(count)?);
    let rate = count / first.elapsed().as_secs_f64();
    Ok((Sample::new(times).ok_or("nothing was written")?, rate))
}
