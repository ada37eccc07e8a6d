//! `GET /groups/:id/members`: who belongs to the security team now (<https://docs.gitlab.com/api/group_members/>).

use std::collections::BTreeSet;

use audit::{Action, Context, Target};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::UserId;
use rules::ApproverGroup;
use serde::{Deserialize, Deserializer};

use super::GitLab;
use crate::{CallError, address};

#[derive(Debug, Deserialize)]
struct MemberJson {
    id: i64,
    state: Option<String>,
    membership_state: Option<String>,
    access_level: Option<i64>,
    #[serde(default, deserialize_with = "end_of_membership")]
    expires_at: Option<Timestamp>,
}

impl MemberJson {
    fn counts(&self, minimum_access_level: i64, now: Timestamp) -> bool {
        self.state.as_deref() == Some("active")
            && self.membership_state.as_deref().is_none_or(|state| state == "active")
            && self.access_level.is_some_and(|level| level >= minimum_access_level)
            && self.expires_at.is_none_or(|end| now < end)
    }
}

impl GitLab {
    /// Active members of the group with the required access level, as of now.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::is_withheld`] if the group does not exist or the token may not see it.
    pub async fn members(
        &self,
        context: &Context,
        instance: &str,
        group: &ApproverGroup,
    ) -> Result<BTreeSet<UserId>, CallError> {
        let id = group.id.to_string();
        let path = ["groups", &id, "members"]
            .into_iter()
            .chain(group.include_inherited.then_some("all"));
        let target = Target::other("group", id.as_str()).at(instance);
        let url = address::join(&self.base, path);
        let members: Vec<MemberJson> = self.list(context, Action::GitlabGetGroupMembers, &target, url).await?;
        let now = self.http.now();
        let counting = members
            .into_iter()
            .filter(|member| member.counts(group.minimum_access_level, now));
        Ok(counting.map(|member| UserId(member.id)).collect())
    }
}

/// A date (the membership ends when that day begins, UTC) or, in older documentation, an instant.
fn end_of_membership<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Some(at));
    }
    let date: Date = text.parse().map_err(serde::de::Error::custom)?;
    let midnight = date.to_zoned(TimeZone::UTC).map_err(serde::de::Error::custom)?;
    Ok(Some(midnight.timestamp()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_active_members_of_sufficient_level_count() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (changes, expected) in [
            (json!({}), true),
            (json!({"access_level": 50}), true),
            (json!({"access_level": 20}), false),
            (json!({"access_level": null}), false),
            (json!({"state": "blocked"}), false),
            (json!({"state": null}), false),
            (json!({"membership_state": "active"}), true),
            (json!({"membership_state": "awaiting"}), false),
            (json!({"membership_state": null}), true),
            (json!({"expires_at": null}), true),
            (json!({"expires_at": "2026-03-02"}), true),
            (json!({"expires_at": "2026-03-01"}), false),
            (json!({"expires_at": "2012-10-22T14:13:35Z"}), false),
            (json!({"expires_at": "2026-03-01T12:00:01Z"}), true),
        ] {
            let mut member = json!({"id": 1, "username": "eve", "state": "active", "access_level": 30});
            for (name, value) in changes.as_object().unwrap() {
                member[name] = value.clone();
            }
            let read: MemberJson = serde_json::from_value(member).unwrap();
            assert_eq!(read.counts(30, now), expected, "{changes}");
        }
    }

    #[test]
    fn unreadable_membership_expiry_is_an_error() {
        let member = json!({"id": 1, "state": "active", "access_level": 30, "expires_at": "never"});
        assert!(serde_json::from_value::<MemberJson>(member).is_err());
    }
}
