//! The same random lives through the previous release's programs and through this version's rules: how often each decides wrongly.
//!
//! `COMPARISON_LIVES` says how many; the first of the lives that the simulation's own test plays.

mod clock;
mod gitlab;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use model::{
    AuditLine, AuthMethod, Authentication, Content, DeliveryIds, Envelope, MergeRequestIid, MergeRequestKey, ProjectId,
};
use serde_json::json;
use simulation::Built;
use simulation::clock::{instant, timestamp};
use simulation::hooks::Delivery;
use simulation::ledger::{Decided, Record};
use simulation::setting::Profile;
use simulation::truth::{Class, Truth};
use tests::postgres::config;
use uuid::Uuid;

use super::release::Release;
use crate::function::Function;
use crate::outbox::batch;
use clock::MovedClock;

/// A life that still has something to read after so many readings is left.
const MOST_READINGS: usize = 200;

/// The lives.
#[expect(
    clippy::disallowed_methods,
    reason = "a test reads how long it is to run; production reads it in runtime::config"
)]
fn lives() -> Vec<Built> {
    let text = std::env::var("COMPARISON_LIVES").ok();
    let count = text.and_then(|text| text.parse().ok()).unwrap_or(12);
    let lives = simulation::strategy::lives(0, count);
    lives.iter().map(simulation::Life::build).collect()
}

/// The previous release's programs that one rules file needs.
struct Programs {
    processor: Function,
    maintenance: Function,
    _rules: tempfile::NamedTempFile,
}

/// The previous release at work.
struct Previous {
    release: Release,
    clock: MovedClock,
    programs: BTreeMap<Profile, Programs>,
}

impl Previous {
    async fn start() -> Self {
        let (release, clock) = (Release::on_its_own_schema().await, MovedClock::new());
        let mut programs = BTreeMap::new();
        for profile in Profile::ALL {
            let rules = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(rules.path(), profile.text()).unwrap();
            let path = rules.path().display().to_string();
            let more = clock.variables();
            let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let started = Programs {
                processor: release.start_with("processor", &path, &more).await,
                maintenance: release.start_with("maintenance", &path, &more).await,
                _rules: rules,
            };
            programs.insert(profile, started);
        }
        Self {
            release,
            clock,
            programs,
        }
    }

    /// Plays a life as merge request `iid`.
    async fn play(&self, built: &Built, iid: u64) {
        let programs = &self.programs[&built.world.setting.profile];
        let mut deliveries = built
            .deliveries
            .iter()
            .filter(|each| each.received_at <= built.until)
            .peekable();
        for _ in 0..MOST_READINGS {
            let due = self.due().await.filter(|due| *due <= built.until);
            match (due, deliveries.peek()) {
                (Some(due), next) if next.is_none_or(|next| due < next.received_at) => {
                    self.show(built, iid, due);
                    let jobs = json!({"jobs": ["pending_evaluations"]});
                    programs.maintenance.invoke(jobs).await;
                }
                (_, Some(_)) => {
                    let Some(delivery) = deliveries.next() else { break };
                    self.show(built, iid, delivery.received_at);
                    programs.processor.invoke(message(delivery, iid)).await;
                }
                _ => break,
            }
        }
        // What is still open must not be read during the next life.
        let done = "UPDATE evaluations SET state = 'done'; UPDATE pending_reviews SET state = 'done'";
        self.release.as_owner(done).await;
    }

    fn show(&self, built: &Built, iid: u64, at: i64) {
        gitlab::show(&self.release.stand.world.gitlab, built.api(), iid, at);
        self.clock.set(timestamp(at));
    }

    /// When anything is read next.
    async fn due(&self) -> Option<i64> {
        let sql = "SELECT min(next_attempt_at) FROM (SELECT next_attempt_at FROM evaluations WHERE state = 'pending'
            UNION ALL SELECT next_attempt_at FROM pending_reviews WHERE state = 'pending') AS due";
        let rows = self.release.stand.owner.query_typed(sql, &[]).await.unwrap();
        rows[0].get::<_, Option<Timestamp>>(0).map(instant)
    }
}

fn message(delivery: &Delivery, iid: u64) -> serde_json::Value {
    let mut event = delivery.event.clone();
    event.mr_iid = MergeRequestIid(iid.cast_signed());
    event.mr_id += iid.cast_signed();
    let envelope = Envelope {
        version: Envelope::VERSION,
        correlation_id: Uuid::now_v7(),
        traceparent: None,
        received_at: timestamp(delivery.received_at),
        authentication: Authentication {
            method: AuthMethod::HmacSha256,
            hook: "test".to_owned(),
            instance: "main".to_owned(),
            stale: delivery.stale,
        },
        delivery: DeliveryIds {
            key: Some(format!("{iid} {}", delivery.key)),
            id: Some(format!("{iid} {}", delivery.key)),
            event_uuid: None,
        },
        payload_sha256: "0".repeat(64),
        audit_line: AuditLine {
            stream_id: Uuid::now_v7(),
            seq: 1,
        },
        content: Content::MergeRequest(Box::new(event)),
    };
    // The previous release does not know that a list may be cut.
    let mut message = json!(envelope);
    message["content"].as_object_mut().unwrap().remove("labels_truncated");
    batch(&message.to_string(), &format!("main/11!{iid}"), 1)
}

/// What came of many lives.
#[derive(Debug, Default)]
struct Figures {
    merges: usize,
    decided: usize,
    classes: BTreeMap<Class, usize>,
}

impl Figures {
    fn add(&mut self, built: &Built, record: &Record, decided: Option<&Decided>) {
        if built.world.merged_at().is_none() {
            return;
        }
        self.merges += 1;
        if let Some(decided) = decided {
            self.decided += 1;
            let class = Truth::of(&built.world).assess(decided, record, record.until).class;
            *self.classes.entry(class).or_default() += 1;
        }
    }

    fn wrong(&self) -> usize {
        let count = |class| self.classes.get(&class).copied().unwrap_or(0);
        count(Class::WrongAccusation) + count(Class::MissedException)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undecided = self.merges - self.decided;
        write!(
            f,
            "{} merges, {undecided} undecided, decided: {:?}",
            self.merges, self.classes
        )
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_macros,
    reason = "the figures of a test run are for the person who started it"
)]
async fn the_previous_release_decides_more_wrongly() {
    let (lives, previous) = (lives(), Previous::start().await);
    for (built, iid) in lives.iter().zip(1..) {
        previous.play(built, iid).await;
    }
    // This version reads the decisions after its migration.
    let database = previous.release.database();
    store::migrate(&config(&database.owner_url)).await.unwrap();
    let store = database.store();
    let (mut before, mut now) = (Figures::default(), Figures::default());
    for (built, iid) in lives.iter().zip(1..) {
        let record = built.play();
        let key = MergeRequestKey {
            instance: "main".to_owned(),
            project_id: ProjectId(gitlab::PROJECT.cast_signed()),
            mr_iid: MergeRequestIid(iid),
        };
        let mut tx = store.begin().await.unwrap();
        let stored = tx.latest_decision(&key).await.unwrap();
        tx.rollback().await.unwrap();
        let stored = stored.map(|stored| Decided {
            at: record.until,
            facts: stored.facts,
            verdict: stored.verdict,
            confirmed: true,
        });
        before.add(built, &record, stored.as_ref());
        now.add(built, &record, record.decided.last());
    }
    println!("previous release: {before}\nthis version:     {now}");
    assert_eq!(now.wrong(), 0);
    assert!(before.decided > 0, "the previous release decided nothing");
}
