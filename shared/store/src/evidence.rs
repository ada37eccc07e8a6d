//! Evidence: the GitLab answer of a merge as read, kept byte for byte under its digest.

use jiff::Timestamp;
use model::{EvidenceRef, MergeRequestKey, sha256_hex};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::StoreError;
use crate::sql::{Insert, column, json};
use crate::tx::{DONE, Queued, Tx};

/// A record of GitLab's answer as JSON, and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvidence {
    /// The JSON, byte for byte.
    pub content: String,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

impl NewEvidence {
    /// A record as JSON, with NUL replaced.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if it cannot be serialized as JSON.
    pub fn of<T: Serialize>(record: &T) -> Result<Self, StoreError> {
        let content = json(record)?.0.to_string();
        let sha256 = sha256_hex(content.as_bytes());
        Ok(Self { content, sha256 })
    }
}

impl<'a> Tx<'a> {
    /// Stores a record under a new id. Hold [`Tx::lock_merge_request`], and check first whether it is stored already
    /// ([`super::MergeRequestState::evidence`]).
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the merge request has the same record already.
    pub fn insert_evidence(
        &mut self,
        key: &MergeRequestKey,
        id: Uuid,
        evidence: &NewEvidence,
        read_at: Option<Timestamp>,
        now: Timestamp,
        correlation_id: Uuid,
    ) -> Queued<'_, 'a, ()> {
        let insert = Insert::into("review_evidence")
            .uuid("id", id)
            .key(key)
            .text("content", &evidence.content)
            .text("sha256", &evidence.sha256)
            .time("read_at", read_at)
            .time("recorded_at", now)
            .uuid("correlation_id", correlation_id);
        self.queue(insert.then(""), DONE)
    }
}

pub(crate) fn read_evidence_ref(row: &Row) -> Result<Option<EvidenceRef>, StoreError> {
    let id: Option<Uuid> = column(row, "evidence_id")?;
    let sha256: Option<String> = column(row, "evidence_sha256")?;
    Ok(id.zip(sha256).map(|(id, sha256)| EvidenceRef { id, sha256 }))
}
