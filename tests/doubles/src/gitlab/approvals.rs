//! A merge request's approvals as GitLab writes them.

use serde_json::{Value, json};

use super::merge_requests::{View, object};
use super::people;
use super::world::ApprovalRule;

impl View<'_> {
    /// The answer to `approvals`: the current approvals, without history.
    pub(super) fn approvals(&self) -> Value {
        let standing = &self.merge_request.approved_by;
        let required = self.merge_request.approvals_required;
        let left = required.saturating_sub(standing.len() as u64);
        let approved_by: Vec<_> = standing
            .iter()
            .map(|approval| {
                let mut fields = object(json!({"user": people::person(self.world, &approval.user)}));
                if !self.world.old_gitlab {
                    fields.insert("approved_at".to_owned(), json!(approval.approved_at));
                }
                Value::Object(fields)
            })
            .collect();
        let mut fields = object(json!({
            "approved": left == 0, "approvals_required": required, "approvals_left": left,
            "require_password_to_approve": false, "approved_by": approved_by, "suggested_approvers": [],
            "approvers": [], "approver_groups": [], "user_has_approved": false, "user_can_approve": false,
            "approval_rules_left": [], "has_approval_rules": !self.merge_request.approval_rules.is_empty(),
            "merge_request_approvers_available": true, "multiple_approval_rules_available": true,
            "invalid_approvers_rules": [],
        }));
        let single = self.single();
        for field in [
            "id",
            "iid",
            "project_id",
            "title",
            "description",
            "state",
            "created_at",
            "updated_at",
            "merge_status",
        ] {
            fields.insert(field.to_owned(), single[field].clone());
        }
        Value::Object(fields)
    }

    /// The answer to `approval_state`: GitLab's own rules, without times.
    pub(super) fn approval_state(&self) -> Value {
        let rules: Vec<_> = self
            .merge_request
            .approval_rules
            .iter()
            .zip(1..)
            .map(|(rule, n)| self.rule(rule, n))
            .collect();
        json!({"approval_rules_overwritten": false, "rules": rules})
    }

    fn rule(&self, rule: &ApprovalRule, number: u64) -> Value {
        let people = |list: &[super::Person]| -> Vec<Value> {
            list.iter().map(|person| people::person(self.world, person)).collect()
        };
        let eligible = people(&rule.eligible_approvers);
        let counts = |approver: &Value| {
            rule.rule_type == "any_approver" || eligible.iter().any(|person| person["id"] == approver["id"])
        };
        let approved_by: Vec<_> = self
            .merge_request
            .approved_by
            .iter()
            .map(|approval| people::person(self.world, &approval.user))
            .filter(counts)
            .collect();
        json!({
            "id": self.id() * 10 + number, "name": rule.name, "rule_type": rule.rule_type, "report_type": null,
            "eligible_approvers": eligible, "approvals_required": rule.approvals_required, "users": eligible, "groups": [],
            "contains_hidden_groups": false, "section": null, "source_rule": null, "overridden": false,
            "code_owner": rule.rule_type == "code_owner",
            "approved": approved_by.len() as u64 >= rule.approvals_required, "approved_by": approved_by,
        })
    }
}
