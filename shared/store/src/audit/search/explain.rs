//! The statements of one search, and their query plans.

use tokio_postgres::Row;

use crate::connection::Param;
use crate::sql::column;
use crate::{StoreError, Tx};

/// The query plan of one search step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPlan {
    /// The purpose of the step, in a word.
    pub step: &'static str,
    /// The lines of `EXPLAIN (ANALYZE)`.
    pub lines: Vec<String>,
}

/// The transaction of a search.
pub(super) struct SearchQuery<'t, 's> {
    pub(super) tx: &'t mut Tx<'s>,
    /// `None`: plans are not requested.
    pub(super) plans: Option<Vec<SearchPlan>>,
}

impl SearchQuery<'_, '_> {
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
