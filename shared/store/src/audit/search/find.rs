//! The ids of the next entries that pass a filter: the way to them that the filter needs.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::AuditOrder;
use super::explain::Asking;
use super::statement::Statement;
use super::window::Window;
use crate::StoreError;
use crate::sql::column;

/// How many entries are looked at, one after the other, before an index is asked for those that pass: a few milliseconds.
const LOOK_AT: u32 = 2_000;
/// Of longer pages so many times their length.
const LOOK_AT_PER_ENTRY: u32 = 4;
/// How many ids are collected at once and sorted: a few milliseconds.
const COLLECT: i64 = 10_000;

/// What one step found.
struct Step {
    found: Vec<Uuid>,
    /// There is nothing beyond what this step has seen.
    complete: bool,
}

impl Asking<'_, '_> {
    /// For conditions that one index answers in the order of ids.
    pub(super) async fn find_in_order(
        &mut self,
        mut statement: Statement,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let (conditions, within, order) = (statement.conditions(), statement.within(window), order.sql());
        let limit = statement.bind(i64::from(limit), Type::INT8);
        let sql =
            format!("SELECT id FROM audit_events WHERE {conditions} AND {within} ORDER BY id {order} LIMIT {limit}");
        let rows = self.query("in order", &sql, &statement.params()).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }

    /// For beginnings of texts: no index has them in the order of ids, and statistics cannot tell where in time they lie. So three steps,
    /// each of bounded cost: many pass, then a look at the next entries finds enough of them; few pass in all, then they are collected
    /// and sorted; else they are collected month by month.
    pub(super) async fn find_by_prefix(
        &mut self,
        make: impl Fn() -> Statement,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        // Compiling a plan takes longer than running it.
        self.tx.connection()?.command("SET LOCAL jit = off").await?;
        let look = self.look(make(), window, order, limit).await?;
        if look.complete || look.found.len() >= limit as usize {
            return Ok(look.found);
        }
        let collected = self.collect(make(), window, order, limit).await?;
        if collected.complete {
            return Ok(collected.found);
        }
        let mut found = Vec::new();
        for month in self.extent(window).await?.months(order) {
            let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
            if left == 0 {
                break;
            }
            found.extend(self.collect_month(make(), month, order, left).await?);
        }
        Ok(found)
    }

    async fn look(
        &mut self,
        mut statement: Statement,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Step, StoreError> {
        let many = i64::from(LOOK_AT.max(limit.saturating_mul(LOOK_AT_PER_ENTRY)));
        let (conditions, within, order) = (statement.conditions(), statement.within(window), order.sql());
        let (limit, many_place) = (
            statement.bind(i64::from(limit), Type::INT8),
            statement.bind(many, Type::INT8),
        );
        let sql = format!(
            "WITH seen AS MATERIALIZED (
                SELECT id, action, actor_type, actor_id, target_key, outcome, error, correlation_id, trace_id FROM audit_events
                WHERE {within} ORDER BY id {order} LIMIT {many_place})
            SELECT (SELECT count(*) FROM seen) AS seen,
                ARRAY (SELECT id FROM seen WHERE {conditions} ORDER BY id {order} LIMIT {limit}) AS found"
        );
        self.step("a look at the next", &sql, &statement, many).await
    }

    async fn collect(
        &mut self,
        mut statement: Statement,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Step, StoreError> {
        let (conditions, within, order) = (statement.conditions(), statement.within(window), order.sql());
        let (limit, most) = (
            statement.bind(i64::from(limit), Type::INT8),
            statement.bind(COLLECT + 1, Type::INT8),
        );
        // MATERIALIZED: planned as if all were wanted, so from the index that has the fewest, whatever a LIMIT would promise.
        let sql = format!(
            "WITH hits AS MATERIALIZED (SELECT id FROM audit_events WHERE {conditions} AND {within}),
                seen AS MATERIALIZED (SELECT id FROM hits LIMIT {most})
            SELECT (SELECT count(*) FROM seen) AS seen, ARRAY (SELECT id FROM seen ORDER BY id {order} LIMIT {limit}) AS found"
        );
        self.step("all that pass", &sql, &statement, COLLECT + 1).await
    }

    async fn collect_month(
        &mut self,
        mut statement: Statement,
        month: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let (conditions, within, order) = (statement.conditions(), statement.within(month), order.sql());
        let limit = statement.bind(i64::from(limit), Type::INT8);
        let sql = format!(
            "WITH hits AS MATERIALIZED (SELECT id FROM audit_events WHERE {conditions} AND {within})
            SELECT id FROM hits ORDER BY id {order} LIMIT {limit}"
        );
        let rows = self.query("one month", &sql, &statement.params()).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }

    /// The part of a window that has entries.
    async fn extent(&mut self, window: Window) -> Result<Window, StoreError> {
        let sql = "SELECT (SELECT id FROM audit_events ORDER BY id LIMIT 1) AS first,
                (SELECT id FROM audit_events ORDER BY id DESC LIMIT 1) AS last";
        let rows = self.query("first and last", sql, &[]).await?;
        let (first, last) = match rows.first() {
            Some(row) => (
                column::<Option<Uuid>>(row, "first")?,
                column::<Option<Uuid>>(row, "last")?,
            ),
            None => (None, None),
        };
        Ok(window.between(first.unwrap_or(Uuid::max()), last.unwrap_or(Uuid::nil())))
    }

    async fn step(
        &mut self,
        name: &'static str,
        sql: &str,
        statement: &Statement,
        most: i64,
    ) -> Result<Step, StoreError> {
        let rows = self.query(name, sql, &statement.params()).await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt("seen"))?;
        Ok(Step {
            complete: column::<i64>(row, "seen")? < most,
            found: column(row, "found")?,
        })
    }
}
