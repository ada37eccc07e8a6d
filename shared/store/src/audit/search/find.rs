//! The ids of the next entries that match a filter, by the strategy that the filter needs.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::AuditOrder;
use super::explain::SearchQuery;
use super::filter::AuditFilter;
use super::statement::SearchStatement;
use super::target::TargetKeys;
use super::window::Window;
use crate::StoreError;
use crate::sql::column;

/// How many entries are scanned in order before an index is used to find matches: a few milliseconds.
const SCAN: u32 = 2_000;
/// For longer pages: this factor times their length.
const SCAN_PER_ENTRY: u32 = 4;
/// How many ids are collected and sorted in one step: a few milliseconds.
const COLLECT: i64 = 10_000;

/// What one step found.
struct Step {
    found: Vec<Uuid>,
    /// Nothing is left beyond this step.
    complete: bool,
}

impl SearchQuery<'_, '_> {
    /// For conditions that one index answers in the order of ids.
    pub(super) async fn find_in_order(
        &mut self,
        mut statement: SearchStatement,
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

    /// For text prefixes: no index has them in the order of ids, and statistics cannot locate them in time. So the search takes
    /// steps of bounded cost. Many match: scanning the next entries finds enough of them. Some match: the first month has enough.
    /// Few match: all of them are collected and sorted. Else they are collected month by month.
    pub(super) async fn find_by_prefix(
        &mut self,
        filter: &AuditFilter,
        targets: Option<&TargetKeys>,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let make = || SearchStatement::new(filter, targets);
        // Compiling a plan takes longer than running it.
        self.tx.command("SET LOCAL jit = off");
        let scan = self.scan_next(make(), window, order, limit).await?;
        if scan.complete || scan.found.len() >= limit as usize {
            return Ok(scan.found);
        }
        let window = self.bounds(window).await?;
        let mut found: Vec<Uuid> = Vec::new();
        for (number, month) in window.months(order).into_iter().enumerate() {
            let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
            if left == 0 {
                break;
            }
            if number == 1 {
                let rest = self.collect(make(), window.beyond(month, order), order, left).await?;
                if rest.complete {
                    found.extend(rest.found);
                    break;
                }
            }
            found.extend(match (&filter.action, targets) {
                (Some(action), None) => self.by_action(action, filter, month, order, left).await?,
                _ => self.collect_month(make(), month, order, left).await?,
            });
        }
        Ok(found)
    }

    async fn scan_next(
        &mut self,
        mut statement: SearchStatement,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Step, StoreError> {
        let many = i64::from(SCAN.max(limit.saturating_mul(SCAN_PER_ENTRY)));
        let (conditions, in_order) = (statement.conditions(), statement.in_order());
        let (within, order) = (statement.within(window), order.sql());
        let (limit, many_place) = (
            statement.bind(i64::from(limit), Type::INT8),
            statement.bind(many, Type::INT8),
        );
        let sql = format!(
            "WITH seen AS MATERIALIZED (
                SELECT id, action, actor_type, actor_id, target_key, outcome, error, correlation_id, trace_id, service FROM audit_events
                WHERE {within} AND {in_order} ORDER BY id {order} LIMIT {many_place})
            SELECT (SELECT count(*) FROM seen) AS seen,
                ARRAY (SELECT id FROM seen WHERE {conditions} ORDER BY id {order} LIMIT {limit}) AS found"
        );
        self.step("scan of the next", &sql, &statement, many).await
    }

    async fn collect(
        &mut self,
        mut statement: SearchStatement,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Step, StoreError> {
        let (conditions, within, order) = (statement.conditions(), statement.within(window), order.sql());
        let (limit, most) = (
            statement.bind(i64::from(limit), Type::INT8),
            statement.bind(COLLECT + 1, Type::INT8),
        );
        // MATERIALIZED: planned as if all rows were needed, so from the most selective index, regardless of a LIMIT.
        let sql = format!(
            "WITH hits AS MATERIALIZED (SELECT id FROM audit_events WHERE {conditions} AND {within}),
                seen AS MATERIALIZED (SELECT id FROM hits LIMIT {most})
            SELECT (SELECT count(*) FROM seen) AS seen, ARRAY (SELECT id FROM seen ORDER BY id {order} LIMIT {limit}) AS found"
        );
        self.step("all matches", &sql, &statement, COLLECT + 1).await
    }

    async fn collect_month(
        &mut self,
        mut statement: SearchStatement,
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

    /// There are few actions: skips from one to the next through the index, and reads the next entries of each, in index order.
    async fn by_action(
        &mut self,
        prefix: &str,
        filter: &AuditFilter,
        month: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<Uuid>, StoreError> {
        let others = AuditFilter {
            action: None,
            ..filter.clone()
        };
        let mut statement = SearchStatement::new(&others, None);
        let (others, within) = (statement.conditions(), statement.within(month));
        // The whole month: with a part of it, the entries before that part would be skipped one by one.
        let anywhere = statement.within(month.whole_month());
        let first = statement.prefix("action", prefix);
        let more = statement.prefix("audit_events.action", prefix);
        let limit = statement.bind(i64::from(limit), Type::INT8);
        let order = order.sql();
        let sql = format!(
            "WITH RECURSIVE step AS (
                (SELECT action FROM audit_events WHERE {first} AND {anywhere} ORDER BY action LIMIT 1)
                UNION ALL
                SELECT (SELECT audit_events.action FROM audit_events
                        WHERE audit_events.action > step.action AND {more} AND {anywhere} ORDER BY audit_events.action LIMIT 1)
                FROM step WHERE step.action IS NOT NULL)
            SELECT hit.id FROM step CROSS JOIN LATERAL (
                SELECT id FROM audit_events WHERE audit_events.action = step.action AND {others} AND {within}
                ORDER BY id {order} LIMIT {limit}) AS hit
            ORDER BY hit.id {order} LIMIT {limit}"
        );
        let rows = self.query("one month by action", &sql, &statement.params()).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }

    /// The part of a window that contains entries.
    async fn bounds(&mut self, window: Window) -> Result<Window, StoreError> {
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
        statement: &SearchStatement,
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
