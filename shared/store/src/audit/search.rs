//! Search: entries by actor, action, target, time, outcome, correlation id and trace, page by page in the order of time.

mod filter;
mod open;
mod range;
mod row;
mod statement;
mod story;
mod target;

use tokio_postgres::types::Type;
use uuid::Uuid;

pub use self::filter::{AuditActor, AuditFilter, AuditOutcome, AuditTarget, UnknownWord};
pub use self::open::{AnnouncedCall, RecordedGap};
pub use self::row::AuditRow;
pub use self::story::{AuditStory, StoryKind, StoryLines, StoryRow};

use self::row::COLUMNS;
use self::statement::Statement;
use crate::{Store, StoreError};

/// Which entries come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditOrder {
    /// The newest.
    #[default]
    NewestFirst,
    /// The oldest.
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
    /// One page: the first `limit` entries that the filter lets pass, in the order of their ids, which is that of their times. The next
    /// page begins after the last id of this one; no transaction is open in between. A page shorter than `limit` is the last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn search_audit(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        order: AuditOrder,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut tx = self.begin().await?;
        let targets = match &filter.target {
            Some(target) => Some(tx.target_keys(target).await?),
            None => None,
        };
        let mut rows = Vec::new();
        if targets.as_ref().is_none_or(|targets| !targets.is_empty()) {
            let mut statement = Statement::new(filter, targets.as_ref(), after, order);
            let sql = page(&mut statement, order, limit);
            rows = tx.query(&sql, &statement.params()).await?;
        }
        tx.commit().await?;
        rows.iter().map(row::read).collect()
    }
}

/// The ids first, from an index alone where one holds them, then only these entries.
fn page(statement: &mut Statement, order: AuditOrder, limit: u32) -> String {
    let (conditions, order) = (statement.all(), order.sql());
    let limit = statement.bind(i64::from(limit), Type::INT8);
    format!(
        "SELECT {COLUMNS} FROM (SELECT id AS found FROM audit_events WHERE {conditions} ORDER BY id {order} LIMIT {limit}) AS hits
         JOIN audit_events ON id = found ORDER BY found {order}"
    )
}
