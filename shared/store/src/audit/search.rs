//! Search: entries by actor, action, target, time, outcome, correlation id and trace, page by page by time.

mod explain;
mod filter;
mod find;
mod open;
mod range;
mod related;
mod row;
mod statement;
mod story;
mod target;
mod window;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

pub use self::explain::SearchPlan;
pub use self::filter::{AuditActor, AuditFilter, AuditOutcome, AuditTarget, UnknownWord};
pub use self::open::{OpenCall, RecordedGap};
pub use self::related::PushedCommit;
pub use self::row::AuditRow;
pub use self::story::{AuditStory, StoryKind, StoryLines, StoryRow};

use self::explain::SearchQuery;
use self::row::COLUMNS;
use self::statement::SearchStatement;
use self::target::TargetKeys;
use self::window::Window;
use crate::{Store, StoreError};

/// The order of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditOrder {
    #[default]
    NewestFirst,
    OldestFirst,
}

impl AuditOrder {
    fn sql(self) -> &'static str {
        match self {
            Self::NewestFirst => "DESC",
            Self::OldestFirst => "ASC",
        }
    }
}

impl Store {
    /// One page: the first `limit` entries that match the filter, ordered by id, which is the order of time. The next page begins
    /// after the last id of this one; no transaction stays open in between. A page shorter than `limit` is the last.
    pub async fn search_audit(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        Ok(self.search(filter, after, order, limit, false).await?.0)
    }

    /// The first page of a search with its query plans, to diagnose slow searches.
    pub async fn explain_audit_search(
        &self,
        filter: &AuditFilter,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<SearchPlan>, StoreError> {
        Ok(self.search(filter, None, order, limit, true).await?.1)
    }

    async fn search(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        order: AuditOrder,
        limit: u32,
        explain: bool,
    ) -> Result<(Vec<AuditRow>, Vec<SearchPlan>), StoreError> {
        let window = Window::new(filter, after, order);
        if window.is_empty() || limit == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut tx = self.begin().await?;
        let mut query = SearchQuery {
            tx: &mut tx,
            plans: explain.then(Vec::new),
        };
        let rows = query.page(filter, window, order, limit).await?;
        let plans = query.plans.unwrap_or_default();
        tx.commit().await?;
        Ok((rows.iter().map(row::parse_row).collect::<Result<_, _>>()?, plans))
    }
}

impl SearchQuery<'_, '_> {
    async fn page(
        &mut self,
        filter: &AuditFilter,
        window: Window,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<Row>, StoreError> {
        let targets = match &filter.target {
            Some(target) => Some(self.target_keys(target).await?),
            None => None,
        };
        if targets.as_ref().is_some_and(TargetKeys::is_empty) {
            return Ok(Vec::new());
        }
        let targets = targets.as_ref();
        let by_prefix = filter.action.is_some() || targets.is_some_and(TargetKeys::is_range);
        let found = if by_prefix && !filter.names_one() {
            self.find_by_prefix(filter, targets, window, order, limit).await?
        } else {
            self.find_in_order(SearchStatement::new(filter, targets), window, order, limit)
                .await?
        };
        self.entries(&found, order).await
    }

    async fn entries(&mut self, ids: &[Uuid], order: AuditOrder) -> Result<Vec<Row>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let order = order.sql();
        let sql = format!(
            "SELECT {COLUMNS} FROM unnest($1::uuid[]) AS found JOIN audit_events ON id = found ORDER BY found {order}"
        );
        self.query("the entries", &sql, &[(&ids, Type::UUID_ARRAY)]).await
    }
}
