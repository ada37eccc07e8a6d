//! The retention of audit entries: whole months are detached, and stay as tables until the owner drops them.

use audit::{Action, Context, Entry, Outcome, Target};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::JobError;
use crate::Maintenance;

impl Maintenance {
    /// Returns the names of the detached tables. Needs the owner: the application may not detach.
    pub(crate) async fn audit_retention(&self, context: &Context) -> Result<Vec<String>, JobError> {
        let now = self.clock.now();
        let Some(older_than) = end_of_retention(now, self.audit_retention_months) else {
            return Ok(Vec::new());
        };
        let owner = self.owner.reload(context).await?;
        let detached = store::detach_audit_partitions(&owner, older_than).await?;
        for table in &detached {
            let target = Target::other("table", table.as_str());
            let entry = Entry::new(Action::AuditPartitionDetach, context, target, Outcome::Success);
            let key = format!("{}/{table}", Action::AuditPartitionDetach);
            let months = u64::from(self.audit_retention_months);
            self.audit
                .write(&entry.detail("retention_months", months).keyed(now, key));
            tracing::info!(
                table,
                "detached a month of audit entries; drop the table after archiving it"
            );
        }
        Ok(detached)
    }
}

/// Months that ended before this are detached. `None`: entries are kept forever.
fn end_of_retention(now: Timestamp, months: u32) -> Option<Timestamp> {
    if months == 0 {
        return None;
    }
    let then = now
        .to_zoned(TimeZone::UTC)
        .checked_sub(i64::from(months).months())
        .ok()?;
    Some(then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_uses_calendar_months_and_zero_never_ends() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-03-31T12:00:00Z");
        assert_eq!(end_of_retention(now, 0), None);
        assert_eq!(end_of_retention(now, 1), Some(at("2026-02-28T12:00:00Z")));
        assert_eq!(end_of_retention(now, 12), Some(at("2025-03-31T12:00:00Z")));
        assert!(end_of_retention(now, 1200).is_some());
    }
}
