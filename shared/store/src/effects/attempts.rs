//! Attempts at an effect: the lease is committed before the call and the outcome after it, so a crash in between is visible.

use jiff::{SignedDuration, Timestamp};
use model::{AuditLine, Effect, EffectKind, EffectState, later};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::outbox::{EFFECT_COLUMNS, read_effect};
use super::outcome::{AttemptOutcome, OutcomeColumns};
use crate::sql::{column, optional_text};
use crate::tx::Tx;
use crate::{Store, StoreError};

/// What a worker may do with an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// Leased: send it. `attempts` of the effect is the number of this attempt.
    Granted(Effect),
    /// Leased, but an earlier attempt may have reached the target: check there first, never retry blindly.
    Resolve(Effect),
    /// Another worker has it, or the target asked to wait; the relay enqueues it again.
    NotDue,
    /// Nothing left to do.
    Finished(EffectState),
    /// The message is older than the row: a newer message does the work.
    Lagging,
    /// A newer version wrote it, with this kind: left for a worker of that version.
    UnknownKind(String),
    /// No such effect in this database.
    Unknown,
}

/// Whether the outcome was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptResult {
    /// The effect was updated (also if this outcome was reported before).
    Applied,
    /// The lease had been taken over: recorded in `effect_attempts`, the effect unchanged.
    Late,
}

const LOCK: &str = "SELECT kind, state, attempts, not_before, lease_until FROM effects WHERE id = $1 FOR UPDATE";

/// `next_attempt_at` is the end of the lease: then the relay handles it.
const GRANT: &str = "
    UPDATE effects SET state = 'leased', attempts = attempts + 1, not_before = NULL, lease_until = $2, next_attempt_at = $2,
        updated_at = $3
    WHERE id = $1 RETURNING ";

const BEGUN: &str = "
    INSERT INTO effect_attempts (id, effect_id, attempt, phase, at) VALUES ($1, $2, $3, 'begun', $4)";

const ENDED: &str = "
    INSERT INTO effect_attempts (id, effect_id, attempt, phase, outcome, applied, external_id, error_class, error, at)
    VALUES ($1, $2, $3, 'ended', $4, $5, $6, $7, $8, $9)
    ON CONFLICT (effect_id, attempt, phase) DO NOTHING";

const ENDED_BEFORE: &str = "
    SELECT applied FROM effect_attempts WHERE effect_id = $1 AND attempt = $2 AND phase = 'ended'";

const MOVE: &str = "
    UPDATE effects SET state = $2, not_before = $3, next_attempt_at = coalesce($3, $4), lease_until = NULL,
        external_id = coalesce($5, external_id), last_error_class = $6, last_error = $7, superseded_because = $8, updated_at = $4
    WHERE id = $1";

impl Store {
    /// Leases an effect for one attempt and commits that, before anything is sent.
    ///
    /// `attempts_expected` is the count in the message.
    ///
    /// # Errors
    /// [`StoreError`]. After a lost commit the lease may exist; it then expires and is resolved.
    pub async fn lease_effect(
        &self,
        id: Uuid,
        attempts_expected: i32,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Lease, StoreError> {
        let mut tx = self.begin().await?;
        let Some(row) = tx.query_opt(LOCK, &[(&id, Type::UUID)]).await? else {
            tx.rollback().await?;
            return Ok(Lease::Unknown);
        };
        let answer = match next_step(&row, attempts_expected, now)? {
            Step::Stop(answer) => *answer,
            Step::Attempt { check_first } => {
                let until = later(now, lease);
                let effect = tx.begin_attempt(id, until, now).await?;
                if check_first {
                    Lease::Resolve(effect)
                } else {
                    Lease::Granted(effect)
                }
            }
        };
        tx.commit().await?;
        Ok(answer)
    }

    /// Records how attempt number `attempt` ended and updates the effect, unless the lease was taken over meanwhile. `printed`: the
    /// worker's last audit line, which this record claims was printed.
    ///
    /// # Errors
    /// [`StoreError`]; may be repeated.
    pub async fn finish_attempt(
        &self,
        id: Uuid,
        attempt: i32,
        outcome: &AttemptOutcome,
        printed: Option<AuditLine>,
        now: Timestamp,
    ) -> Result<AttemptResult, StoreError> {
        let mut tx = self.begin().await?;
        let Some(row) = tx.query_opt(LOCK, &[(&id, Type::UUID)]).await? else {
            tx.rollback().await?;
            return Err(StoreError::Rejected("the attempt's effect does not exist".to_owned()));
        };
        let holds = read_state(&row)? == EffectState::Leased && column::<i32>(&row, "attempts")? == attempt;
        let finish = tx.end_attempt(id, attempt, outcome, holds, now).await?;
        if let Some(printed) = printed {
            tx.claim_audit_lines(&[printed], now).later()?;
        }
        tx.commit().await?;
        Ok(finish)
    }
}

enum Step {
    Stop(Box<Lease>),
    Attempt { check_first: bool },
}

fn next_step(row: &Row, attempts_expected: i32, now: Timestamp) -> Result<Step, StoreError> {
    let kind: String = column(row, "kind")?;
    if EffectKind::parse(&kind).is_none() {
        return Ok(Step::Stop(Box::new(Lease::UnknownKind(kind))));
    }
    let state = read_state(row)?;
    let attempts: i32 = column(row, "attempts")?;
    let waits = |until: Option<Timestamp>| until.is_some_and(|until| until > now);
    let check_first = match state {
        EffectState::Done | EffectState::Suppressed | EffectState::Dead | EffectState::Superseded => {
            return Ok(Step::Stop(Box::new(Lease::Finished(state))));
        }
        _ if attempts_expected < attempts => return Ok(Step::Stop(Box::new(Lease::Lagging))),
        EffectState::Leased if waits(column(row, "lease_until")?) => return Ok(Step::Stop(Box::new(Lease::NotDue))),
        _ if waits(column(row, "not_before")?) => return Ok(Step::Stop(Box::new(Lease::NotDue))),
        EffectState::Leased | EffectState::Ambiguous => true,
        EffectState::Pending => false,
    };
    Ok(Step::Attempt { check_first })
}

fn read_state(row: &Row) -> Result<EffectState, StoreError> {
    let code: String = column(row, "state")?;
    EffectState::parse(&code).ok_or_else(|| StoreError::corrupt("state"))
}

impl Tx<'_> {
    async fn begin_attempt(&mut self, id: Uuid, until: Timestamp, now: Timestamp) -> Result<Effect, StoreError> {
        let grant = [
            (&id as _, Type::UUID),
            (&until as _, Type::TIMESTAMPTZ),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        let row = self.query_opt(&format!("{GRANT} {EFFECT_COLUMNS}"), &grant).await?;
        let effect = read_effect(&row.ok_or_else(|| StoreError::corrupt("id"))?)?;
        let begun = [
            (&Uuid::now_v7() as _, Type::UUID),
            (&id as _, Type::UUID),
            (&effect.attempts as _, Type::INT4),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        self.execute(BEGUN, &begun).await?;
        Ok(effect)
    }

    async fn end_attempt(
        &mut self,
        id: Uuid,
        attempt: i32,
        outcome: &AttemptOutcome,
        holds: bool,
        now: Timestamp,
    ) -> Result<AttemptResult, StoreError> {
        // 1. The end of the attempt, once: a repeated report only returns what the first one did.
        let columns = OutcomeColumns::of(outcome);
        let external_id = optional_text(columns.external_id);
        let (error_class, error) = (optional_text(columns.error_class), optional_text(columns.error));
        let superseded_because = optional_text(columns.superseded_because);
        let ended = [
            (&Uuid::now_v7() as _, Type::UUID),
            (&id as _, Type::UUID),
            (&attempt as _, Type::INT4),
            (&columns.code as _, Type::TEXT),
            (&holds as _, Type::BOOL),
            (&external_id as _, Type::TEXT),
            (&error_class as _, Type::TEXT),
            (&error as _, Type::TEXT),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        if self.execute(ENDED, &ended).await? == 0 {
            let attempt = [(&id as _, Type::UUID), (&attempt as _, Type::INT4)];
            let before = self.query_opt(ENDED_BEFORE, &attempt).await?;
            let applied = before.map(|row| column(&row, "applied")).transpose()?.unwrap_or(false);
            return Ok(if applied {
                AttemptResult::Applied
            } else {
                AttemptResult::Late
            });
        }
        // 2. The effect, unless another worker has it by now.
        if !holds {
            return Ok(AttemptResult::Late);
        }
        let moved = [
            (&id as _, Type::UUID),
            (&columns.state.as_str() as _, Type::TEXT),
            (&columns.at as _, Type::TIMESTAMPTZ),
            (&now as _, Type::TIMESTAMPTZ),
            (&external_id as _, Type::TEXT),
            (&error_class as _, Type::TEXT),
            (&error as _, Type::TEXT),
            (&superseded_because as _, Type::TEXT),
        ];
        self.execute(MOVE, &moved).await?;
        Ok(AttemptResult::Applied)
    }
}
