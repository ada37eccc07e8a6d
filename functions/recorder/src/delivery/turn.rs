//! One delivery run of one destination: lease it, send batch after batch, and move its cursor after each acknowledgement.

use std::time::Duration;

use audit::{Action, Context, Entry, FailureClass, Outcome, Target};
use audit_delivery::DeliveryError;
use jiff::SignedDuration;
use model::{AuditLine, Clock};
use runtime::Deadline;
use store::{DestinationEnd, DestinationLease, PositionedEntry, Store, StoreError, UndeliveredEntry};

use super::backoff;
use super::outlet::{Outlet, PATIENCE};
use super::plan::{ENTRIES, Plan};
use crate::Recorder;
use crate::report::{Turn, TurnEnd};

/// No batch is started with less than this left of the invocation.
const MIN_TIME_LEFT: Duration = Duration::from_secs(10);
/// Time that a delivery must leave to record its result in the database.
const RESERVE: Duration = Duration::from_secs(4);
/// How long entries about our own deliveries wait for others: alone, each would cause the next.
const OWN_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// How many runs in a row must fail at an entry, the last by rejecting it alone, before it is quarantined. Not immediately,
/// although a healthy receiver answers equal bytes equally: one that rejects everything after a bad change would lose the whole
/// backlog to quarantine in a minute; so it is one entry in three runs, while the age of the backlog raises its alarm.
const REFUSALS: i32 = 3;

/// A run in progress.
struct Work<'a> {
    recorder: &'a Recorder,
    store: &'a Store,
    outlet: &'a Outlet,
    context: &'a Context,
    deadline: &'a Deadline,
    lease: DestinationLease,
    turn: Turn,
}

impl Recorder {
    /// The run, and the database error if that ended it.
    pub(super) async fn turn(
        &self,
        store: &Store,
        outlet: &Outlet,
        context: &Context,
        deadline: &Deadline,
    ) -> (Turn, Option<StoreError>) {
        let turn = Turn {
            delivered: 0,
            refused: 0,
            errors: 0,
            end: TurnEnd::NotOurs,
        };
        // 1. Lease the destination until the deadline: then Lambda ends this invocation and everything it does.
        let lease_for = SignedDuration::try_from(deadline.remaining()).unwrap_or(SignedDuration::from_mins(1));
        let lease = match store.lease_audit_destination(outlet.name, self.now(), lease_for).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return (turn, None),
            Err(error) => {
                return (
                    Turn {
                        end: TurnEnd::DatabaseFailed,
                        ..turn
                    },
                    Some(error),
                );
            }
        };
        // 2. Send; the counts are reported even if the database fails.
        let mut work = Work {
            recorder: self,
            store,
            outlet,
            context,
            deadline,
            lease,
            turn,
        };
        match work.run().await {
            Ok(end) => (Turn { end, ..work.turn }, None),
            Err(error) => (
                Turn {
                    end: TurnEnd::DatabaseFailed,
                    ..work.turn
                },
                Some(error),
            ),
        }
    }
}

impl Work<'_> {
    async fn run(&mut self) -> Result<TurnEnd, StoreError> {
        let mut plan = Plan::new(self.lease.failures);
        let mut last = self.lease.delivered;
        let mut entries: Vec<PositionedEntry> = Vec::new();
        let mut claimed = false;
        loop {
            if self.deadline.remaining() < MIN_TIME_LEFT {
                return self.idle(TurnEnd::OutOfTime).await;
            }
            // 1. Read the next entries once the previous ones are delivered.
            if entries.is_empty() {
                entries = self.entries_after(last).await?;
                if defer_own_entries(&entries, self.recorder.clock.as_ref()) {
                    return self.idle(TurnEnd::Done).await;
                }
            }
            // 2. Deliver the next batch.
            if !claimed && self.outlet.is_audited() {
                self.claim_the_next_line().await?;
                claimed = true;
            }
            let size = plan.size(entries.iter().map(|entry| (entry.position, entry.line.len())));
            let batch = &entries[..size];
            let delivered = self.deliver(batch).await;
            self.turn.errors += u64::from(delivered.is_err());
            let Some(end) = batch.last().map(|entry| entry.position) else {
                return self.idle(TurnEnd::Done).await;
            };
            // 3. Halve a rejected batch; quarantine an entry that is rejected repeatedly; otherwise a later run retries.
            let quarantined = match delivered {
                Ok(()) => Vec::new(),
                Err(DeliveryError::Refused { .. }) if size > 1 => {
                    plan.refused(end);
                    continue;
                }
                Err(DeliveryError::Refused { class, message }) if self.failures_before() + 1 >= REFUSALS => {
                    vec![undelivered(&entries[0], class, &message)]
                }
                Err(error) => return self.failed(error).await,
            };
            // 4. Move the cursor, unless another environment took the lease.
            let now = self.recorder.now();
            let advanced = self
                .store
                .advance_audit_destination(&self.lease, end, &quarantined, now);
            if !advanced.await? {
                return Ok(TurnEnd::LeaseLost);
            }
            plan.passed(end);
            last = end;
            let sent: Vec<_> = entries.drain(..size).collect();
            if let (Some(undelivered), Some(entry)) = (quarantined.first(), sent.first()) {
                self.turn.refused += 1;
                self.report_rejection(entry, undelivered);
            } else {
                self.turn.delivered += size as u64;
            }
        }
    }

    async fn entries_after(&self, position: i64) -> Result<Vec<PositionedEntry>, StoreError> {
        let limit = i64::try_from(ENTRIES).unwrap_or(i64::MAX);
        self.store.audit_entries_after(position, limit).await
    }

    async fn deliver(&self, batch: &[PositionedEntry]) -> Result<(), DeliveryError> {
        let patience = PATIENCE.min(self.deadline.remaining().saturating_sub(RESERVE));
        self.outlet.deliver(self.context, batch, patience).await
    }

    /// Records in the database that a line will be printed. If this process dies before its lines are stored, the gap is detected.
    async fn claim_the_next_line(&self) -> Result<(), StoreError> {
        let Some(last) = self.recorder.audit.position() else {
            return Ok(());
        };
        let next = AuditLine {
            seq: last.seq + 1,
            ..last
        };
        let mut tx = self.store.begin().await?;
        tx.claim_audit_lines(&[next], self.recorder.now()).await?;
        tx.commit().await
    }

    /// How many earlier runs have failed at the next entry: 0 once anything was delivered or quarantined.
    fn failures_before(&self) -> i32 {
        if self.turn.delivered + self.turn.refused > 0 {
            0
        } else {
            self.lease.failures
        }
    }

    async fn idle(&self, end: TurnEnd) -> Result<TurnEnd, StoreError> {
        self.outlet.release();
        self.finish(DestinationEnd::Idle, end).await
    }

    async fn failed(&self, error: DeliveryError) -> Result<TurnEnd, StoreError> {
        let (class, text) = (error.class(), error.to_string());
        if class == FailureClass::AuthFailure {
            self.recorder.outlets.refused(self.context).await;
        }
        let retry_after = match error {
            DeliveryError::Unavailable { retry_after, .. } => retry_after,
            DeliveryError::Refused { .. } => None,
        };
        tracing::warn!(
            destination = self.outlet.name,
            class = class.as_str(),
            error = text,
            "delivery to audit destination failed"
        );
        let failures = u32::try_from(self.failures_before()).unwrap_or(0).saturating_add(1);
        let (high, low) = self.lease.lease.as_u64_pair();
        let end = DestinationEnd::Failed {
            class: class.as_str().to_owned(),
            error: text,
            next_attempt_at: backoff::next_attempt_at(self.recorder.now(), failures, retry_after, high ^ low),
        };
        self.finish(end, TurnEnd::Failed).await
    }

    async fn finish(&self, end: DestinationEnd, turn_end: TurnEnd) -> Result<TurnEnd, StoreError> {
        let still_leased = self
            .store
            .finish_audit_destination(self.lease.clone(), end, self.recorder.now())
            .await?;
        Ok(if still_leased { turn_end } else { TurnEnd::LeaseLost })
    }

    fn report_rejection(&self, entry: &PositionedEntry, undelivered: &UndeliveredEntry) {
        let destination = self.outlet.name;
        tracing::error!(destination, position = entry.position, event_id = %entry.id,
            "audit destination permanently rejected an entry; it is kept in audit_undelivered");
        // If the entry about a rejection is rejected too, it would cause the next one, forever.
        if is_own(entry, Action::AuditDeliveryRefused.as_str()) || is_own(entry, "siem.") {
            return;
        }
        let class = FailureClass::InvalidResponse;
        let target = Target::other("audit_entry", entry.id.to_string());
        let key = format!("audit.delivery_refused/{destination}/{}", entry.id);
        let rejection = Entry::new(
            Action::AuditDeliveryRefused,
            self.context,
            target,
            Outcome::Failure(class),
        );
        let rejection = rejection
            .detail("destination", destination)
            .detail("position", entry.position)
            .detail("action", entry.action.as_str())
            .detail("reason", undelivered.error.as_str());
        self.recorder.audit.write(&rejection.keyed(self.recorder.now(), key));
    }
}

fn undelivered(entry: &PositionedEntry, class: FailureClass, message: &str) -> UndeliveredEntry {
    UndeliveredEntry {
        position: entry.position,
        event_id: entry.id,
        error_class: class.as_str().to_owned(),
        error: message.to_owned(),
    }
}

/// Whether the recorder itself printed it, for an action with this prefix.
fn is_own(entry: &PositionedEntry, action: &str) -> bool {
    entry.service == "recorder" && entry.action.starts_with(action)
}

/// Nothing to send, or only recent entries about our own deliveries.
fn defer_own_entries(entries: &[PositionedEntry], clock: &dyn Clock) -> bool {
    let now = clock.now();
    let young = |entry: &PositionedEntry| now.duration_since(entry.timestamp) < OWN_WAIT;
    entries.len() < ENTRIES && entries.iter().all(|entry| is_own(entry, "siem.") && young(entry))
}
