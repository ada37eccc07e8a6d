//! `GET /users/:id`: whether an approver is a bot (<https://docs.gitlab.com/api/users/#retrieve-a-user>).

use std::collections::{BTreeMap, BTreeSet};

use audit::{Action, Context, Target};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::{User, UserId};
use serde::Deserialize;

use super::GitLab;
use crate::{CallError, address};

/// Requests in flight at once.
const AT_ONCE: usize = 6;

#[derive(Debug, Deserialize)]
struct UserDetailsJson {
    bot: Option<bool>,
}

impl GitLab {
    /// What GitLab says of each approver whose name does not already tell; those it will not speak of are left out.
    pub(super) async fn bots(
        &self,
        context: &Context,
        instance: &str,
        people: impl Iterator<Item = &User>,
    ) -> Result<BTreeMap<UserId, bool>, CallError> {
        let unclear: BTreeSet<UserId> = people
            .filter(|user| !user.looks_like_bot())
            .map(|user| user.id)
            .collect();
        let asked = stream::iter(unclear).map(|id| async move {
            match self.is_bot(context, instance, id).await {
                Ok(bot) => Ok(bot.map(|bot| (id, bot))),
                Err(error) if error.is_withheld() => Ok(None),
                Err(error) => Err(error),
            }
        });
        let told: Vec<_> = asked.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(told.into_iter().flatten().collect())
    }

    async fn is_bot(&self, context: &Context, instance: &str, id: UserId) -> Result<Option<bool>, CallError> {
        let id = id.to_string();
        let url = address::join(&self.base, ["users", &id]);
        let target = Target::other("user", id.as_str()).at(instance);
        let user: UserDetailsJson = self.get(context, Action::GitlabGetUser, &target, url).await?;
        Ok(user.bot)
    }
}
