//! Lists of the ledger and of exceptions, page by page.

use jiff::Timestamp;
use model::LedgerDecision;
use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::connection::Param;
use crate::sql::{clean_text, column, json_column};
use crate::{Store, StoreError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionFilter {
    Is(LedgerDecision),
    /// No decision yet, or one that leaves the review open.
    Open,
}

/// Conditions on ledger rows; all given ones must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// The project by its numeric id, or by a path prefix.
    pub project: Option<String>,
    pub tier: Option<String>,
    /// Username of the deciding reviewer.
    pub reviewer: Option<String>,
    pub decision: Option<DecisionFilter>,
    /// Decided at or after.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExceptionFilter {
    /// The project by its numeric id, or by a path prefix.
    pub project: Option<String>,
    pub tier: Option<String>,
    /// A kind, among those that apply.
    pub kind: Option<String>,
    /// `open`, `acknowledged`, `closed`, `withdrawn`; `None`: all except `withdrawn`.
    pub status: Option<String>,
    /// Username of the merger.
    pub merger: Option<String>,
    /// Merged at or after.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// One page, and where the next one begins.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportPage {
    /// Rows as JSON, column by column.
    pub rows: Vec<Value>,
    /// Pass it to get the next page; `None`: this was the last.
    pub next: Option<Uuid>,
}

impl ReportPage {
    /// The rows, and the id after which the next page begins.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Value>, Option<Uuid>) {
        (self.rows, self.next)
    }
}

/// Conditions with their parameters.
#[derive(Default)]
pub(crate) struct Conditions {
    texts: Vec<String>,
    params: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Conditions {
    pub(crate) fn add(&mut self, sql: &str, value: impl ToSql + Sync + Send + 'static, of: Type) {
        let place = self.bind(value, of);
        self.texts.push(sql.replace('?', &place));
    }

    /// Adds a parameter, returns its place.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        self.params.push((Box::new(value), of));
        format!("${}", self.params.len())
    }

    pub(crate) fn plain(&mut self, sql: &str) {
        self.texts.push(sql.to_owned());
    }

    pub(crate) fn project(&mut self, project: Option<&String>) {
        match project.map(|project| (project, project.parse::<i64>())) {
            Some((_, Ok(id))) => self.add("project_id = ?", id, Type::INT8),
            Some((path, Err(_))) => self.add(
                "starts_with(project_path, ?)",
                clean_text(path).into_owned(),
                Type::TEXT,
            ),
            None => {}
        }
    }

    pub(crate) fn text(&mut self, sql: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.add(sql, clean_text(value).into_owned(), Type::TEXT);
        }
    }

    pub(crate) fn between(&mut self, column: &str, since: Option<Timestamp>, until: Option<Timestamp>) {
        for (sign, at) in [(">=", since), ("<", until)] {
            if let Some(at) = at {
                self.add(&format!("{column} {sign} ?"), at, Type::TIMESTAMPTZ);
            }
        }
    }

    pub(crate) fn sql(&self) -> String {
        if self.texts.is_empty() {
            "true".to_owned()
        } else {
            self.texts.join(" AND ")
        }
    }

    pub(crate) fn params(&self) -> Vec<Param<'_>> {
        let params = self.params.iter();
        params
            .map(|(value, of)| (value.as_ref() as &(dyn ToSql + Sync), of.clone()))
            .collect()
    }
}

/// Waits for the security team; a merge request whose label the team removed does not.
pub(super) const OPEN: &str = "
    merged_at IS NULL AND (decision IS NULL OR decision IN ('approval_revoked', 'reopened')) AND 'declassified' <> ALL (notes)";

impl LedgerFilter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.project(self.project.as_ref());
        conditions.text("risk_tier = ?", self.tier.as_ref());
        conditions.text("deciding_reviewer_username = ?", self.reviewer.as_ref());
        match self.decision {
            Some(DecisionFilter::Is(decision)) => conditions.add("decision = ?", decision.as_str(), Type::TEXT),
            Some(DecisionFilter::Open) => conditions.plain(OPEN),
            None => {}
        }
        conditions.between("decided_at", self.since, self.until);
        conditions
    }
}

impl ExceptionFilter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.project(self.project.as_ref());
        conditions.text("risk_tier = ?", self.tier.as_ref());
        conditions.text("ARRAY[?::text] <@ reason_codes", self.kind.as_ref());
        conditions.text("merged_by_username = ?", self.merger.as_ref());
        match &self.status {
            Some(status) => conditions.text("status = ?", Some(status)),
            None => conditions.plain("status <> 'withdrawn'"),
        }
        conditions.between("merged_at", self.since, self.until);
        conditions
    }
}

impl Store {
    /// A page of the ledger, newest row first.
    pub async fn ledger_page(
        &self,
        filter: &LedgerFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<ReportPage, StoreError> {
        self.page("security_review_ledger", filter.conditions(), after, limit)
            .await
    }

    /// A page of exceptions, newest first.
    pub async fn exception_page(
        &self,
        filter: &ExceptionFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<ReportPage, StoreError> {
        self.page("security_review_exceptions", filter.conditions(), after, limit)
            .await
    }

    pub(crate) async fn page(
        &self,
        table: &str,
        mut conditions: Conditions,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<ReportPage, StoreError> {
        if let Some(after) = after {
            conditions.add("id < ?", after, Type::UUID);
        }
        let places = conditions.bind(i64::from(limit), Type::INT8);
        let sql = format!(
            "SELECT id, to_jsonb(listed) AS row FROM {table} AS listed WHERE {} ORDER BY id DESC LIMIT {places}",
            conditions.sql(),
        );
        let rows = self.query(&sql, &conditions.params()).await?;
        let next = match rows.last() {
            Some(last) if rows.len() == limit as usize => Some(column(last, "id")?),
            _ => None,
        };
        let rows = rows
            .iter()
            .map(|row| json_column(row, "row"))
            .collect::<Result<_, _>>()?;
        Ok(ReportPage { rows, next })
    }
}
