//! Which types of streamed events are kept.

use std::collections::BTreeSet;

/// Types that concern people who may approve, tokens, webhooks, streams, approval rules, policies, and deleted merge requests
/// (<https://docs.gitlab.com/user/compliance/audit_event_types/>). The most frequent type, a fetch, is not among them. A `*` at the end
/// matches anything.
const DEFAULT_TYPES: &str = "member_created,member_updated,member_destroyed,change_membership_state,\
    group_share_with_group_link_*,group_access_token_*,project_access_token_*,deploy_token_*,deploy_key_added,deploy_key_removed,\
    webhook_created,webhook_destroyed,create_event_streaming_destination,destroy_event_streaming_destination,\
    created_group_audit_event_streaming_destination,deleted_group_audit_event_streaming_destination,audit_events_streaming_headers_*,\
    approval_rule_created,approval_rule_deleted,update_aproval_rules,allow_author_approval_updated,allow_committer_approval_updated,\
    allow_overrides_to_approver_list_per_merge_request_updated,delete_merge_request,merged_merge_request_deleted,comment_created,\
    comment_updated,comment_deleted,group_archived,policy_project_updated,security_policy_*,\
    merge_request_branch_bypassed_by_security_policy,status_check_response_update";

/// A list of types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamTypes {
    names: BTreeSet<String>,
    prefixes: Vec<String>,
}

/// The list of types cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be names of event types separated by commas, such as member_created,security_policy_*, or * for every type"
)]
pub struct InvalidTypes;

impl Default for StreamTypes {
    fn default() -> Self {
        let mut types = Self {
            names: BTreeSet::new(),
            prefixes: Vec::new(),
        };
        DEFAULT_TYPES.split(',').for_each(|entry| types.add(entry));
        types
    }
}

impl StreamTypes {
    /// Reads a list separated by commas.
    ///
    /// # Errors
    /// [`InvalidTypes`].
    pub fn parse(list: &str) -> Result<Self, InvalidTypes> {
        let mut types = Self {
            names: BTreeSet::new(),
            prefixes: Vec::new(),
        };
        for entry in list.split(',').map(str::trim) {
            let name = entry.strip_suffix('*').unwrap_or(entry);
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name || entry.is_empty() {
                return Err(InvalidTypes);
            }
            types.add(entry);
        }
        Ok(types)
    }

    fn add(&mut self, entry: &str) {
        match entry.strip_suffix('*') {
            Some(prefix) => self.prefixes.push(prefix.to_owned()),
            None => drop(self.names.insert(entry.to_owned())),
        }
    }

    /// Whether events of this type are kept; an event without a type is.
    #[must_use]
    pub fn keeps(&self, event_type: Option<&str>) -> bool {
        event_type.is_none_or(|name| {
            self.names.contains(name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_prefixes_and_events_without_type_are_kept() {
        let types = StreamTypes::default();
        for kept in [
            "member_destroyed",
            "security_policy_update",
            "deploy_token_created",
            "update_aproval_rules",
        ] {
            assert!(types.keeps(Some(kept)), "{kept}");
        }
        assert!(types.keeps(None));
        for ignored in ["repository_git_operation", "member", "webhook_created_x"] {
            assert!(!types.keeps(Some(ignored)), "{ignored}");
        }
        assert!(StreamTypes::parse("*").unwrap().keeps(Some("anything")));
    }

    #[test]
    fn a_list_with_other_signs_is_refused() {
        for list in ["", "a,,b", "a b", "a*b", "größe"] {
            assert_eq!(StreamTypes::parse(list), Err(InvalidTypes), "{list}");
        }
    }
}
