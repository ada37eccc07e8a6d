//! Accounts with a known kind: whether one is a bot never changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::UserId;
use tokio_postgres::types::Type;

use crate::sql::{Statement, column};
use crate::tx::{DONE, Tx};
use crate::{Store, StoreError};

/// Enough for every approver of an instance; more are read from GitLab again.
const MOST: i64 = 20_000;

impl Store {
    /// Accounts of an instance with a known kind.
    pub async fn bot_flags(&self, instance: &str) -> Result<BTreeMap<UserId, bool>, StoreError> {
        let sql = "SELECT user_id, bot FROM gitlab_users WHERE instance = $1 ORDER BY read_at DESC LIMIT $2";
        let statement = Statement::new(sql).bind_text(instance).bind(MOST, Type::INT8);
        let rows = self.rows_of(&statement).await?;
        rows.iter()
            .map(|row| Ok((UserId(column(row, "user_id")?), column(row, "bot")?)))
            .collect()
    }
}

impl Tx<'_> {
    /// Stores the kinds of accounts. Repeatable.
    pub fn keep_bot_flags(
        &mut self,
        instance: &str,
        flags: &BTreeMap<UserId, bool>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if flags.is_empty() {
            return Ok(());
        }
        let sql = "
            INSERT INTO gitlab_users (instance, user_id, bot, read_at)
            SELECT $1, account.user_id, account.bot, $4 FROM unnest($2::bigint[], $3::boolean[]) AS account (user_id, bot)
            ON CONFLICT (instance, user_id) DO NOTHING";
        let (ids, bots): (Vec<i64>, Vec<bool>) = flags.iter().map(|(id, bot)| (id.0, *bot)).unzip();
        let statement = Statement::new(sql)
            .bind_text(instance)
            .bind(ids, Type::INT8_ARRAY)
            .bind(bots, Type::BOOL_ARRAY)
            .bind(now, Type::TIMESTAMPTZ);
        self.queue(statement, DONE).later().map(drop)
    }
}
