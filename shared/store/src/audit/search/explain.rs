//! The statements of one search, and how the database answers them.

use tokio_postgres::Row;

use crate::connection::Param;
use crate::sql::column;
use crate::{StoreError, Tx};

/// How the database answered one step of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPlan {
    /// What the step is for, in a word.
    pub step: &'static str,
    /// The lines of `EXPLAIN (ANALYZE)`.
    pub lines: Vec<String>,
}

/// A transaction that is being searched in.
pub(super) struct Asking<'t, 's> {
    pub(super) tx: &'t mut Tx<'s>,
    /// `None`: the plans are not asked for.
    pub(super) plans: Option<Vec<SearchPlan>>,
}

impl Asking<'_, '_> {
    pub(super) async fn query(
        &mut self,
        step: &'static str,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        if let Some(plans) = &mut self.plans {
            let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) {sql}");
            let lines = self.tx.query(&explain, params).await?;
            let lines: Result<_, _> = lines.iter().map(|row| column(row, "QUERY PLAN")).collect();
            plans.push(SearchPlan { step, lines: lines? });
        }
        self.tx.query(sql, params).await
    }
}
