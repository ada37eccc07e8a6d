//! An explanation as one JSON document.

use model::MergeRequestKey;
use rules::explain;
use serde_json::json;
use store::{MembershipClaim, MergeRequestRecord};

use super::Decided;

pub(super) fn document(
    key: &MergeRequestKey,
    record: &MergeRequestRecord,
    decisions: &[Decided],
    claims: &[MembershipClaim],
) -> serde_json::Value {
    let decision = |decided: &Decided| {
        let decision = &decided.decision;
        json!({
            "id": decision.id, "stands": decision.current, "supersedes": decision.supersedes, "recorded_at": decision.recorded_at,
            "correlation_id": decision.correlation_id, "rules_hash": decision.rules_hash, "facts": decision.facts,
            "verdict": decision.verdict, "review": decision.review, "evaluator": decision.evaluator, "confirmed": decided.confirmed(),
            "evidence": decision.evidence.as_ref().map(|evidence| json!({"id": evidence.id, "sha256": evidence.sha256})),
            "explanation": decided.rules.as_ref().map(|rules| explain(&decision.facts, rules)),
        })
    };
    json!({
        "merge_request": key, "ledger": record.ledger, "exception": record.exception, "effects": record.effects,
        "pending": record.evaluation, "events": record.events, "decisions": decisions.iter().map(decision).collect::<Vec<_>>(),
        "membership_claims": claims,
    })
}
