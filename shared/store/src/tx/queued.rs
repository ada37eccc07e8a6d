//! A queued statement: awaited immediately, or later, after it was sent together with others.

use std::pin::Pin;

use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::connection::WireResponse;
use crate::sql::column;

/// Extracts a statement's result from the server's answer.
pub(crate) type ReadAnswer<T> = fn(&WireResponse) -> Result<T, StoreError>;

/// A statement in the queue of its transaction. Await it to send it with everything queued before it; otherwise it is sent with the
/// next awaited statement, or with the commit.
#[must_use = "await it, or take its answer later"]
pub struct Queued<'t, 'a, T> {
    tx: &'t mut Tx<'a>,
    later: Result<Later<T>, StoreError>,
}

/// A claim on the answer to a queued statement: [`Tx::take`].
pub struct Later<T> {
    pub(super) index: usize,
    pub(super) read: ReadAnswer<T>,
}

impl<T> Later<T> {
    pub(super) fn new(index: usize, read: ReadAnswer<T>) -> Self {
        Self { index, read }
    }
}

impl<'t, 'a, T> Queued<'t, 'a, T> {
    pub(super) fn new(tx: &'t mut Tx<'a>, later: Result<Later<T>, StoreError>) -> Self {
        Self { tx, later }
    }

    /// Leaves it in the queue.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the values cannot be serialized; then nothing was queued.
    pub fn later(self) -> Result<Later<T>, StoreError> {
        self.later
    }
}

impl<'t, T: Send + 't> IntoFuture for Queued<'t, '_, T> {
    type Output = Result<T, StoreError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 't>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let later = self.later?;
            self.tx.take(later).await
        })
    }
}

pub(crate) const DONE: ReadAnswer<()> = |_| Ok(());

/// How many rows were changed.
pub(crate) const AFFECTED: ReadAnswer<u64> = |answer| Ok(answer.affected);

/// The id of the written row.
pub(crate) const ID: ReadAnswer<Uuid> = |answer| {
    let row = answer.rows.first().ok_or_else(|| StoreError::corrupt("id"))?;
    column(row, "id")
};
