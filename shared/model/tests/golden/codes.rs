//! Every code of every enum: as it is in JSON, and in a separate column where SQL uses `as_str`.

use std::fmt::Debug;

use model::{
    AuthMethod, EffectKind, EffectState, EventAction, ExceptionKind, ExceptionStatus, LedgerDecision, MentionPlace,
    Note, OccurredAtSource, Proof, SystemAction, TimeUnknown,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::compare::written;

/// Declares a list of all variants. The match inside does not compile if one is missing.
macro_rules! variants {
    ($name:ident: $enum:ident { $($variant:ident),+ $(,)? }) => {
        const $name: &[$enum] = {
            const fn _complete(value: $enum) {
                match value {
                    $($enum::$variant)|+ => (),
                }
            }
            &[$($enum::$variant),+]
        };
    };
}

variants!(KINDS: ExceptionKind {
    LabelRemovedBeforeMerge, ApprovalRevoked, ApprovedOtherCommit, SelfApproved, CommitterApproved, BotApproved,
    ApproverNotEligible, ApprovedAfterMerge, InsufficientApprovals, NoApproval, Unverified,
});
variants!(PROOFS: Proof { Api, Both });
variants!(NOTES: Note {
    Declassified, LabelRemovedButApproved, ApprovedBeforeLabel, EligibilityAsOfNow, ApprovalTimeFromHistory,
    LabelEventsUnreadable, LabelledAfterMerge, RevocationNotConfirmed,
});
variants!(LEDGER_DECISIONS: LedgerDecision {
    Approved, ApprovalRevoked, Merged, MergedWithoutApproval, MergedUnverified, Closed, Reopened,
});
variants!(TIMES_UNKNOWN: TimeUnknown {
    LabelEventsUnreadable, LabelDeleted, CreationTimeUnknown, LabelledAfterDecision, NoDecision, ApprovedBeforeLabel,
    NoValidApproval, ApprovalTimeUnknown,
});
variants!(EXCEPTION_STATUSES: ExceptionStatus { Open, Acknowledged, Closed, Withdrawn });
variants!(EFFECT_KINDS: EffectKind {
    SlackExceptionAlert, LedgerRowEvent, LinearIssue, JiraIssue, ConfluenceRow, SlackPodConfirmation,
    SlackExceptionUpdate,
});
variants!(EFFECT_STATES: EffectState { Pending, Leased, Done, Suppressed, Ambiguous, Dead, Superseded });
variants!(METHODS: AuthMethod { HmacSha256, Token });
variants!(TIME_SOURCES: OccurredAtSource { ActionedAt, UpdatedAt, ReceivedAt });
variants!(PLACES: MentionPlace { Branch, Title, Description });

/// All actions, and an unknown one.
fn actions() -> Vec<EventAction> {
    let all = vec![
        EventAction::Open,
        EventAction::Close,
        EventAction::Reopen,
        EventAction::Update,
        EventAction::Approval,
        EventAction::Approved,
        EventAction::Unapproval,
        EventAction::Unapproved,
        EventAction::Merge,
        EventAction::Other("teleport".to_owned()),
    ];
    for action in &all {
        // A new variant does not compile until it is added here; add it to the list above, too.
        match action {
            EventAction::Open
            | EventAction::Close
            | EventAction::Reopen
            | EventAction::Update
            | EventAction::Approval
            | EventAction::Approved
            | EventAction::Unapproval
            | EventAction::Unapproved
            | EventAction::Merge
            | EventAction::Other(_) => (),
        }
    }
    all
}

/// All system actions, and an unknown one.
fn system_actions() -> Vec<SystemAction> {
    let all = vec![
        SystemAction::ApprovalsResetOnPush,
        SystemAction::CodeOwnerApprovalsResetOnPush,
        SystemAction::Other("approvals_reset_on_teleport".to_owned()),
    ];
    for action in &all {
        // As above.
        match action {
            SystemAction::ApprovalsResetOnPush
            | SystemAction::CodeOwnerApprovalsResetOnPush
            | SystemAction::Other(_) => (),
        }
    }
    all
}

/// The codes in JSON, each parsed back into its variant.
fn in_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(variants: &[T]) -> Vec<Value> {
    let code = |variant: &T| {
        let code = serde_json::to_value(variant).unwrap();
        assert_eq!(&serde_json::from_value::<T>(code.clone()).unwrap(), variant);
        code
    };
    variants.iter().map(code).collect()
}

fn in_column<T: Copy>(variants: &[T], as_str: fn(T) -> &'static str) -> Vec<&'static str> {
    variants.iter().map(|variant| as_str(*variant)).collect()
}

/// The keys are terms of the glossary, not names of Rust items, which may change.
fn codes() -> Value {
    let actions = actions();
    let action_words: Vec<&str> = actions.iter().map(EventAction::as_str).collect();
    json!({
        "json": {
            "action": in_json(&actions),
            "authentication_method": in_json(METHODS),
            "effect_kind": in_json(EFFECT_KINDS),
            "effect_state": in_json(EFFECT_STATES),
            "exception_kind": in_json(KINDS),
            "exception_status": in_json(EXCEPTION_STATUSES),
            "ledger_decision": in_json(LEDGER_DECISIONS),
            "mention_place": in_json(PLACES),
            "note": in_json(NOTES),
            "occurred_at_source": in_json(TIME_SOURCES),
            "proof": in_json(PROOFS),
            "system_action": in_json(&system_actions()),
            "time_unknown": in_json(TIMES_UNKNOWN),
        },
        "column": {
            "action": action_words,
            "authentication_method": in_column(METHODS, AuthMethod::as_str),
            "effect_kind": in_column(EFFECT_KINDS, EffectKind::as_str),
            "effect_state": in_column(EFFECT_STATES, EffectState::as_str),
            "exception_kind": in_column(KINDS, ExceptionKind::as_str),
            "exception_status": in_column(EXCEPTION_STATUSES, ExceptionStatus::as_str),
            "ledger_decision": in_column(LEDGER_DECISIONS, LedgerDecision::as_str),
            "note": in_column(NOTES, Note::as_str),
            "proof": in_column(PROOFS, Proof::as_str),
            "time_unknown": in_column(TIMES_UNKNOWN, TimeUnknown::as_str),
        },
    })
}

#[test]
fn every_code_stays_as_it_is() {
    written("codes.json", &codes());
}

#[test]
fn every_code_is_parsed_as_its_variant() {
    assert!(
        KINDS
            .iter()
            .all(|kind| ExceptionKind::parse(kind.as_str()) == Some(*kind))
    );
    let statuses = EXCEPTION_STATUSES.iter();
    assert!(
        statuses
            .into_iter()
            .all(|status| ExceptionStatus::parse(status.as_str()) == Some(*status))
    );
    let effects = EFFECT_KINDS.iter();
    assert!(
        effects
            .into_iter()
            .all(|kind| EffectKind::parse(kind.as_str()) == Some(*kind))
    );
    let states = EFFECT_STATES.iter();
    assert!(
        states
            .into_iter()
            .all(|state| EffectState::parse(state.as_str()) == Some(*state))
    );
    assert!(
        actions()
            .iter()
            .all(|action| EventAction::parse(action.as_str()) == *action)
    );
}

/// The store writes these columns with `as_str` and reads them through serde.
#[test]
fn columns_that_serde_reads_hold_its_codes() {
    let codes = codes();
    for name in ["ledger_decision", "note", "proof", "time_unknown"] {
        assert_eq!(codes["column"][name], codes["json"][name], "{name}");
    }
}

#[test]
fn the_lists_of_the_types_are_complete() {
    assert_eq!(ExceptionKind::ALL, *KINDS);
    assert_eq!(EffectKind::ALL, *EFFECT_KINDS);
    assert_eq!(EffectState::ALL, *EFFECT_STATES);
    assert_eq!(TimeUnknown::ALL, *TIMES_UNKNOWN);
}
