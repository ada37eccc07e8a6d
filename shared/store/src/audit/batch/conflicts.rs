//! Entries with a known id and another content: stored beside the known entry, they would hide; counted as duplicates, they would be lost.

use std::collections::HashSet;

use audit::line_schema::ParsedEntry;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::sql::{clean_text, column};
use crate::{StoreError, Tx};

/// The reason in the quarantine.
pub(super) const ID_CONFLICT: &str =
    "id_conflict: an entry with this id, but another action, target or service, is already stored";

/// A redelivery can be reported by another function of this system, so the service counts only within one source.
const CONFLICTS: &str = "
    SELECT line.place
    FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS line (id, action, target_key, service, place)
    JOIN audit_events AS known ON known.id = line.id
    WHERE known.action <> line.action OR known.target_key <> line.target_key
        OR (known.source = $5 AND known.service <> line.service)";

impl Tx<'_> {
    /// Separates the entries that repeat the stored one with their id from those that contradict it.
    pub(super) async fn without_conflicts<'a>(
        &mut self,
        known: Vec<&'a ParsedEntry>,
        source: &str,
    ) -> Result<(Vec<&'a ParsedEntry>, Vec<&'a ParsedEntry>), StoreError> {
        let (source, mut places) = (clean_text(source), HashSet::new());
        for (number, chunk) in known.chunks(super::CHUNK).enumerate() {
            let ids: Vec<Uuid> = chunk.iter().map(|entry| entry.id).collect();
            let text = |field: fn(&ParsedEntry) -> &str| chunk.iter().map(|entry| field(entry)).collect::<Vec<_>>();
            let actions = text(|entry| &entry.action);
            let targets = text(|entry| &entry.target_key);
            let services = text(|entry| &entry.service);
            let params = [
                (&ids as _, Type::UUID_ARRAY),
                (&actions as _, Type::TEXT_ARRAY),
                (&targets as _, Type::TEXT_ARRAY),
                (&services as _, Type::TEXT_ARRAY),
                (&source as _, Type::TEXT),
            ];
            for row in self.query(CONFLICTS, &params).await? {
                let place: i64 = column(&row, "place")?;
                places.insert(number * super::CHUNK + usize::try_from(place - 1).unwrap_or(usize::MAX));
            }
        }
        let numbered = known.into_iter().enumerate();
        let (conflicting, repeated): (Vec<_>, Vec<_>) = numbered.partition(|(place, _)| places.contains(place));
        let entries = |placed: Vec<(usize, &'a ParsedEntry)>| placed.into_iter().map(|(_, entry)| entry).collect();
        Ok((entries(repeated), entries(conflicting)))
    }
}
