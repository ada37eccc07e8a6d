//! Evidence: the review record of a merge as it was read, kept to the byte under its digest.

use jiff::Timestamp;
use model::{EvidenceRef, MergeRequestKey};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, json};

/// The same record is kept once, whoever reads it again.
const INSERT: &str = "
    INSERT INTO review_evidence (id, instance, project_id, mr_iid, content, sha256, read_at, recorded_at, correlation_id)
    VALUES ($4, $1, $2, $3, $5, $6, $7, $8, $9)
    ON CONFLICT (instance, project_id, mr_iid, sha256) DO NOTHING";

const FIND: &str = "
    SELECT id FROM review_evidence WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND sha256 = $4";

impl Tx<'_> {
    /// Keeps a record as JSON; what is kept already is found again. Hold [`Tx::lock_merge_request`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_evidence<T: Serialize>(
        &mut self,
        key: &MergeRequestKey,
        record: &T,
        read_at: Option<Timestamp>,
        now: Timestamp,
        correlation_id: Uuid,
    ) -> Result<EvidenceRef, StoreError> {
        let content = json(record)?.0.to_string();
        let sha256 = Sha256::digest(content.as_bytes())
            .iter()
            .fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"));
        let [instance, project, iid] = super::identity(key);
        let id = Uuid::now_v7();
        let new: [super::Param<'_>; 9] = [
            instance,
            project,
            iid,
            (&id, Type::UUID),
            (&content, Type::TEXT),
            (&sha256, Type::TEXT),
            (&read_at, Type::TIMESTAMPTZ),
            (&now, Type::TIMESTAMPTZ),
            (&correlation_id, Type::UUID),
        ];
        if self.execute(INSERT, &new).await? == 1 {
            return Ok(EvidenceRef { id, sha256 });
        }
        let [instance, project, iid] = super::identity(key);
        let kept = self
            .query_opt(FIND, &[instance, project, iid, (&sha256, Type::TEXT)])
            .await?;
        let row = kept.ok_or_else(|| StoreError::corrupt("sha256"))?;
        Ok(EvidenceRef {
            id: column(&row, "id")?,
            sha256,
        })
    }
}

pub(super) fn read_evidence_ref(row: &Row) -> Result<Option<EvidenceRef>, StoreError> {
    let id: Option<Uuid> = column(row, "evidence_id")?;
    let sha256: Option<String> = column(row, "evidence_sha256")?;
    Ok(id.zip(sha256).map(|(id, sha256)| EvidenceRef { id, sha256 }))
}
