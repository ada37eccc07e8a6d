//! Accounts whose kind is known: whether one is a bot never changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::UserId;
use tokio_postgres::types::Type;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, text};

/// Enough for every approver of an instance; more are read from GitLab again.
const MOST: i64 = 20_000;

impl Tx<'_> {
    /// Accounts of an instance whose kind is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bot_flags(&mut self, instance: &str) -> Result<BTreeMap<UserId, bool>, StoreError> {
        let sql = "SELECT user_id, bot FROM gitlab_users WHERE instance = $1 ORDER BY read_at DESC LIMIT $2";
        let rows = self
            .query(sql, &[(&text(instance), Type::TEXT), (&MOST, Type::INT8)])
            .await?;
        rows.iter()
            .map(|row| Ok((UserId(column(row, "user_id")?), column(row, "bot")?)))
            .collect()
    }

    /// Keeps the kinds of accounts. May be repeated.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_bot_flags(
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
        let params = [
            (&text(instance) as _, Type::TEXT),
            (&ids as _, Type::INT8_ARRAY),
            (&bots as _, Type::BOOL_ARRAY),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        self.execute(sql, &params).await.map(drop)
    }
}
