//! A bot approved: the account of an access token, or one that GitLab marks as a bot.

use crate::approval::ApprovalRecord;
use crate::case::{CheckOutcome, MergeCase};

pub(crate) fn check(record: &ApprovalRecord<'_>, case: &MergeCase<'_>) -> CheckOutcome {
    let name = &record.user.username;
    let flag = case.api.bots.get(&record.user.id).copied().unwrap_or(false);
    if flag || record.user.looks_like_bot() {
        CheckOutcome::Holds(format!("{name} approved and is a bot"))
    } else if record.listed.is_some() && case.api.bots_unknown.contains(&record.user.id) {
        CheckOutcome::Unknown(format!("whether {name} is a bot could not be read"))
    } else {
        CheckOutcome::Clear
    }
}

#[cfg(test)]
mod tests {
    use model::{ExceptionKind, User, UserId};

    use crate::testing::{ALICE, Life};

    #[test]
    fn access_token_account_cannot_approve_as_team_member() {
        for name in ["project_246_bot_75d5fb2b", "group_9_bot", "project_1_bot_x"] {
            let life = Life::labelled().named(ALICE, name).approved_by(ALICE, "10:00:00");
            life.is_exception(ExceptionKind::BotApproved);
        }
    }

    #[test]
    fn account_marked_as_bot_cannot_approve() {
        Life::labelled()
            .bot(ALICE, true)
            .approved_by(ALICE, "10:00:00")
            .is_exception(ExceptionKind::BotApproved);
        Life::labelled()
            .bot(ALICE, false)
            .approved_by(ALICE, "10:00:00")
            .is_approved();
    }

    #[test]
    fn person_with_similar_name_is_not_a_bot() {
        for name in [
            "project_manager",
            "project_1_botany",
            "robot",
            "group_bot_1",
            "project__bot_1",
        ] {
            let user = User {
                id: UserId(1),
                username: name.to_owned(),
            };
            assert!(!user.looks_like_bot(), "{name}");
        }
    }
}
