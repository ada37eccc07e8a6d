//! Statistics of a period: number of reviews, approval rate, times, compared with the targets.

use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::types::Type;

use super::filter::{Conditions, OPEN};
use crate::sql::json_column;
use crate::{Store, StoreError};

/// The period and project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatisticsFilter {
    /// The project by its numeric id, or by a path prefix.
    pub project: Option<String>,
    /// Decided at or after.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Tables of statistics, each row as JSON.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// By tier: reviews, merges by outcome, approval rate, times, targets.
    pub tiers: Vec<Value>,
    /// By deciding reviewer: reviews, times, targets.
    pub reviewers: Vec<Value>,
    pub exceptions: Vec<Value>,
    /// Open reviews by tier, with the age of the oldest.
    pub open: Vec<Value>,
}

/// The columns that both groupings have.
const FIGURES: &str = "
    count(*) AS reviews, count(*) FILTER (WHERE decision = 'merged' AND proof IS NOT NULL) AS approved,
    count(*) FILTER (WHERE decision = 'merged_without_approval') AS without_approval,
    count(*) FILTER (WHERE decision = 'merged_unverified') AS unverified,
    round(100.0 * count(*) FILTER (WHERE decision = 'merged' AND proof IS NOT NULL)
        / nullif(count(*) FILTER (WHERE decision IN ('merged_without_approval', 'merged_unverified')
                                      OR decision = 'merged' AND proof IS NOT NULL), 0), 1) AS approval_rate_percent,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_approval)) AS approval,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY date_part('epoch', time_to_decision)) AS decision,
    count(*) FILTER (WHERE sla_met) AS sla_met, count(*) FILTER (WHERE NOT sla_met) AS sla_missed,
    round(100.0 * count(*) FILTER (WHERE sla_met) / nullif(count(sla_met), 0), 1) AS sla_adherence_percent";

const SHOWN: &str = "
    reviews, approved, without_approval, unverified, approval_rate_percent, approval[1] AS approval_p50_s, approval[2] AS approval_p90_s,
    decision[1] AS decision_p50_s, decision[2] AS decision_p90_s, sla_met, sla_missed, sla_adherence_percent";

impl StatisticsFilter {
    fn decided(&self) -> Conditions {
        let mut decided = Conditions::default();
        decided.project(self.project.as_ref());
        decided.plain("decided_at IS NOT NULL");
        decided.between("decided_at", self.since, self.until);
        decided
    }
}

impl Store {
    pub async fn statistics(&self, filter: &StatisticsFilter) -> Result<Statistics, StoreError> {
        let decided = filter.decided();
        let mut merged = Conditions::default();
        merged.project(filter.project.as_ref());
        merged.plain("status <> 'withdrawn'");
        merged.between("merged_at", filter.since, filter.until);
        let mut open = Conditions::default();
        open.project(filter.project.as_ref());
        open.plain(OPEN);
        let tiers = format!(
            "SELECT tier, {SHOWN} FROM (
                 SELECT risk_tier AS tier, {FIGURES} FROM security_review_ledger WHERE {} GROUP BY 1) AS figures
             ORDER BY reviews DESC, tier",
            decided.sql()
        );
        let reviewers = format!(
            "SELECT reviewer, {SHOWN} FROM (
                 SELECT deciding_reviewer_username AS reviewer, {FIGURES} FROM security_review_ledger
                 WHERE deciding_reviewer_username IS NOT NULL AND {} GROUP BY 1) AS figures
             ORDER BY reviews DESC, reviewer",
            decided.sql()
        );
        let exceptions = format!(
            "SELECT kind, count(*) AS exceptions, count(*) FILTER (WHERE status = 'open') AS open FROM security_review_exceptions
             WHERE {} GROUP BY 1 ORDER BY exceptions DESC, kind",
            merged.sql()
        );
        let waiting = format!(
            "SELECT risk_tier AS tier, count(*) AS open, extract(epoch FROM now() - min(labelled_at))::float8 AS oldest_s
             FROM security_review_ledger WHERE {} GROUP BY 1 ORDER BY open DESC, tier",
            open.sql()
        );
        Ok(Statistics {
            tiers: self.figures(&tiers, &decided).await?,
            reviewers: self.figures(&reviewers, &decided).await?,
            exceptions: self.figures(&exceptions, &merged).await?,
            open: self.figures(&waiting, &open).await?,
        })
    }

    /// The statistics by one dimension, named as in the database's type `security_review_dimension`: reviewer, team, project, week,
    /// tier. The name is null for reviews without a deciding reviewer.
    pub async fn statistics_by(&self, dimension: &str, filter: &StatisticsFilter) -> Result<Vec<Value>, StoreError> {
        let mut decided = filter.decided();
        decided.add(
            "dimension = ?::security_review_dimension",
            dimension.to_owned(),
            Type::TEXT,
        );
        let order = if dimension == "week" {
            "name"
        } else {
            "reviews DESC, name"
        };
        let sql = format!(
            "SELECT name, {SHOWN} FROM (
                 SELECT value AS name, {FIGURES} FROM security_review_by_dimension WHERE {} GROUP BY 1) AS figures
             ORDER BY {order}",
            decided.sql()
        );
        self.figures(&sql, &decided).await
    }

    async fn figures(&self, sql: &str, conditions: &Conditions) -> Result<Vec<Value>, StoreError> {
        let sql = format!("SELECT to_jsonb(figures) AS row FROM ({sql}) AS figures");
        let rows = self.query(&sql, &conditions.params()).await?;
        rows.iter().map(|row| json_column(row, "row")).collect()
    }

    /// Every row of a view, for the benchmark and for tests.
    pub async fn view(&self, name: &'static str) -> Result<Vec<Value>, StoreError> {
        let sql = format!("SELECT to_jsonb(listed) AS row FROM {name} AS listed LIMIT $1");
        let rows = self.query(&sql, &[(&i64::MAX, Type::INT8)]).await?;
        rows.iter().map(|row| json_column(row, "row")).collect()
    }
}
