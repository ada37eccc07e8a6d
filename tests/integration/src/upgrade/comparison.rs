//! The same random lives through the programs of the previous release and of this version: how often each decides wrongly.
//!
//! `COMPARISON_LIVES` is their number; they are the first lives of the simulation's own test.

mod clock;
mod gitlab;

use std::collections::BTreeMap;
use std::fmt;

use doubles::postgres::config;
use jiff::Timestamp;
use model::{
    AuditLine, AuthMethod, Authentication, Content, DeliveryIds, Envelope, MergeRequestIid, MergeRequestKey, ProjectId,
};
use serde_json::json;
use simulation::Built;
use simulation::clock::{instant, timestamp};
use simulation::hooks::Delivery;
use simulation::ledger::{Decided, End, Record};
use simulation::setting::Profile;
use simulation::story::story;
use simulation::truth::{Class, Truth};
use store::StoredDecision;
use tempfile::TempDir;
use uuid::Uuid;

use super::release::Release;
use crate::function::Function;
use crate::outbox::batch;
use clock::MovedClock;

/// A life with unfinished readings is abandoned after this many.
const MOST_READINGS: usize = 200;

/// The lives.
#[expect(
    clippy::disallowed_methods,
    reason = "a test reads how long it is to run; production reads it in runtime::config"
)]
fn lives() -> Vec<Built> {
    let text = std::env::var("COMPARISON_LIVES").ok();
    let count = text.and_then(|text| text.parse().ok()).unwrap_or(12);
    let mut lives = simulation::strategy::lives(0, count);
    // The double's `Date` header uses the machine's clock, which the programs do not see: the two clocks must agree.
    for life in &mut lives {
        life.setting.clock_offset_ms = 0;
    }
    lives.iter().map(simulation::Life::build).collect()
}

/// The running programs of one version.
struct Version {
    release: Release,
    clock: MovedClock,
    rules: TempDir,
    is_previous: bool,
}

impl Version {
    /// The previous release, on its own schema.
    async fn previous() -> Self {
        Self::of(Release::on_its_own_schema().await, true)
    }

    /// This version.
    async fn this() -> Self {
        Self::of(Release::on_this_schema().await, false)
    }

    fn of(release: Release, is_previous: bool) -> Self {
        let rules = tempfile::tempdir().unwrap();
        for profile in Profile::ALL {
            std::fs::write(rules.path().join(format!("{profile:?}")), profile.text()).unwrap();
        }
        Self {
            release,
            clock: MovedClock::new(),
            rules,
            is_previous,
        }
    }

    async fn start(&self, name: &str, profile: Profile) -> Function {
        let rules = self.rules.path().join(format!("{profile:?}")).display().to_string();
        let clock = self.clock.variables();
        let clock = clock.each_ref().map(|(name, value)| (*name, value.as_str()));
        if self.is_previous {
            return self.release.start_with(name, &rules, &clock).await;
        }
        let mut variables = vec![("RULES_PATH", rules.as_str()), ("EVENT_BUS_NAME", "ledger")];
        variables.extend(clock);
        self.release.env.function_with(name, &variables).await
    }

    /// Plays a life as merge request `iid`, with new programs: the clock of each life begins at the same time, and no program
    /// remembers future events.
    async fn play(&self, built: &Built, iid: u64) {
        self.clock.set(timestamp(0));
        let profile = built.world.setting.profile;
        let (processor, mut maintenance) = (self.start("processor", profile).await, None);
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
                    if maintenance.is_none() {
                        maintenance = Some(self.start("maintenance", profile).await);
                    }
                    let Some(maintenance) = &maintenance else { break };
                    maintenance.invoke(json!({"jobs": ["pending_evaluations"]})).await;
                }
                (_, Some(_)) => {
                    let Some(delivery) = deliveries.next() else { break };
                    self.show(built, iid, delivery.received_at);
                    processor.invoke(self.message(delivery, iid)).await;
                }
                _ => break,
            }
        }
    }

    fn show(&self, built: &Built, iid: u64, at: i64) {
        gitlab::show(self.release.env.gitlab(), built.api(), iid, at);
        self.clock.set(timestamp(at));
    }

    /// The time of the next reading.
    async fn due(&self) -> Option<i64> {
        let sql = "SELECT min(next_attempt_at) FROM (SELECT next_attempt_at FROM evaluations WHERE state <> 'done'
            UNION ALL SELECT next_attempt_at FROM pending_reviews WHERE state = 'pending') AS due";
        let rows = self.release.env.owner().await.query_typed(sql, &[]).await.unwrap();
        rows[0].get::<_, Option<Timestamp>>(0).map(instant)
    }

    /// Whether a reading is due, or was never answered.
    async fn is_open(&self) -> bool {
        let sql = "SELECT FROM evaluations WHERE state <> 'done'";
        !self
            .release
            .env
            .owner()
            .await
            .query_typed(sql, &[])
            .await
            .unwrap()
            .is_empty()
    }

    /// Open readings must neither run during the next life nor use its budget.
    async fn end_life(&self) {
        let end = "UPDATE evaluations SET state = 'done'; UPDATE pending_reviews SET state = 'done';";
        self.release.as_owner(end).await;
        if !self.is_previous {
            self.release.as_owner("DELETE FROM reread_budgets").await;
        }
    }

    fn message(&self, delivery: &Delivery, iid: u64) -> serde_json::Value {
        let mut message = json!(envelope(delivery, iid));
        if self.is_previous {
            // It does not know that a list may be cut.
            message["content"].as_object_mut().unwrap().remove("labels_truncated");
        }
        batch(&message.to_string(), &format!("main/11!{iid}"), 1)
    }

    /// The last decision on a merge request; this version also reads the previous release's decisions.
    async fn decided(&self, iid: u64) -> Option<StoredDecision> {
        let key = MergeRequestKey {
            instance: "main".to_owned(),
            project_id: ProjectId(gitlab::PROJECT.cast_signed()),
            mr_iid: MergeRequestIid(iid.cast_signed()),
        };
        let store = self.release.database().store();
        let mut tx = store.begin().await.unwrap();
        let stored = tx.current_decision(&key).await.unwrap();
        tx.rollback().await.unwrap();
        stored
    }
}

fn envelope(delivery: &Delivery, iid: u64) -> Envelope {
    let mut event = delivery.event.clone();
    event.mr_iid = MergeRequestIid(iid.cast_signed());
    event.mr_id += iid.cast_signed();
    Envelope {
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
    }
}

/// Results of many lives.
#[derive(Debug)]
struct Figures {
    merges: usize,
    decided: usize,
    classes: BTreeMap<Class, usize>,
    /// The wrong decisions.
    wrong: Vec<String>,
}

impl Figures {
    const fn new() -> Self {
        Self {
            merges: 0,
            decided: 0,
            classes: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// A decision is assessed with everything seen until the end if nothing is pending, else with what was seen until it.
    fn add(&mut self, built: &Built, record: &Record, decided: Option<(&Decided, bool)>) {
        if built.world.merged_at().is_none() {
            return;
        }
        self.merges += 1;
        if let Some((decided, is_final)) = decided {
            self.decided += 1;
            let until = if is_final { record.until } else { decided.at };
            let assessed = Truth::of(&built.world).assess(decided, record, until);
            if matches!(assessed.class, Class::WrongAccusation | Class::MissedException) {
                let (class, why, story) = (assessed.class, &assessed.why, story(built, record));
                self.wrong
                    .push(format!("{class:?}: {why}, {:?}\n{story}", decided.verdict));
            }
            *self.classes.entry(assessed.class).or_default() += 1;
        }
    }

    fn add_stored(&mut self, built: &Built, record: &Record, stored: Option<StoredDecision>, is_open: bool) {
        let decided = stored.map(|stored| Decided {
            at: instant(stored.decided_at),
            confirmed: stored.confirmed,
            facts: stored.facts,
            verdict: stored.verdict,
        });
        let decided = decided.as_ref();
        self.add(
            built,
            record,
            decided.map(|decided| (decided, decided.confirmed && !is_open)),
        );
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
async fn this_version_decides_no_life_wrongly() {
    let (previous, this) = (Version::previous().await, Version::this().await);
    let lives: Vec<(Built, u64)> = lives().into_iter().zip(1..).collect();
    let [mut before, mut now, mut simulated] = [const { Figures::new() }; 3];
    for (built, iid) in &lives {
        previous.play(built, *iid).await;
        previous.end_life().await;
        this.play(built, *iid).await;
        let is_open = this.is_open().await;
        this.end_life().await;
        let record = built.play();
        now.add_stored(built, &record, this.decided(*iid).await, is_open);
        let last = record.decided.last();
        let is_final = record.end == End::Confirmed && !record.open;
        simulated.add(built, &record, last.map(|last| (last, is_final)));
    }
    // This version reads the decisions after its migration. The previous release had no unconfirmed ones.
    let database = previous.release.database();
    store::migrate(&config(&database.owner_url)).await.unwrap();
    for (built, iid) in &lives {
        let stored = previous.decided(*iid).await.map(|stored| StoredDecision {
            confirmed: true,
            ..stored
        });
        before.add_stored(built, &built.play(), stored, false);
    }
    println!("previous release: {before}\nthis version:     {now}\nsimulated flow:   {simulated}");
    for wrong in now.wrong.iter().chain(&simulated.wrong) {
        println!("\n{wrong}");
    }
    assert_eq!((now.wrong.len(), simulated.wrong.len()), (0, 0), "see above");
    assert!(before.decided > 0, "the previous release decided nothing");
}
