//! `GET /users/:id`: whether an account is a bot (<https://docs.gitlab.com/api/users/#retrieve-a-user>).
//!
//! GitLab allows 300 of these in 10 minutes. Whether an account is a bot never changes, so each account is read once and cached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use audit::{Action, Context, Target};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::{User, UserId};
use serde::Deserialize;

use super::GitLab;
use crate::{CallError, address};

/// Requests in flight at the same time.
const CONCURRENT: usize = 6;

/// Accounts of one instance and whether they are bots.
#[derive(Debug, Default)]
pub(super) struct BotFlags(Mutex<BTreeMap<UserId, bool>>);

impl BotFlags {
    fn known(&self, ids: &BTreeSet<UserId>) -> BTreeMap<UserId, bool> {
        let flags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().filter_map(|id| Some((*id, *flags.get(id)?))).collect()
    }

    fn remember(&self, flags: impl IntoIterator<Item = (UserId, bool)>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(flags);
    }
}

#[derive(Debug, Deserialize)]
struct UserDetailsJson {
    bot: Option<bool>,
}

/// What GitLab reports about one account.
enum Flag {
    Given(bool),
    /// A GitLab without the flag has no bots of this kind; a later version may have the flag, so this is not cached.
    NotOffered,
    Withheld,
}

impl From<Option<bool>> for Flag {
    fn from(bot: Option<bool>) -> Self {
        bot.map_or(Self::NotOffered, Self::Given)
    }
}

impl GitLab {
    /// Adds known accounts, so that GitLab is not asked about them.
    pub fn remember_bots(&self, flags: impl IntoIterator<Item = (UserId, bool)>) {
        self.bots.remember(flags);
    }

    /// Which of these accounts are known, from GitLab or from [`GitLab::remember_bots`], and whether each is a bot.
    #[must_use]
    pub fn given_bots(&self, ids: &BTreeSet<UserId>) -> BTreeMap<UserId, bool> {
        self.bots.known(ids)
    }

    /// What GitLab reports about each of these users, and which users it withholds.
    pub(super) async fn bots(
        &self,
        context: &Context,
        instance: &str,
        people: impl Iterator<Item = &User>,
    ) -> Result<(BTreeMap<UserId, bool>, BTreeSet<UserId>), CallError> {
        let wanted: BTreeSet<UserId> = people.map(|user| user.id).collect();
        let mut flags = self.bots.known(&wanted);
        let unknown: Vec<UserId> = wanted.into_iter().filter(|id| !flags.contains_key(id)).collect();
        let reads = stream::iter(unknown).map(|id| async move {
            match self.is_bot(context, instance, id).await {
                Ok(bot) => Ok((id, Flag::from(bot))),
                Err(error) if error.is_withheld() => Ok((id, Flag::Withheld)),
                Err(error) => Err(error),
            }
        });
        let read: Vec<(UserId, Flag)> = reads.buffer_unordered(CONCURRENT).try_collect().await?;
        let mut withheld = BTreeSet::new();
        for (id, flag) in read {
            match flag {
                Flag::Given(bot) => {
                    self.bots.remember([(id, bot)]);
                    flags.insert(id, bot);
                }
                Flag::NotOffered => {
                    flags.insert(id, false);
                }
                Flag::Withheld => {
                    withheld.insert(id);
                }
            }
        }
        Ok((flags, withheld))
    }

    async fn is_bot(&self, context: &Context, instance: &str, id: UserId) -> Result<Option<bool>, CallError> {
        let id = id.to_string();
        let url = address::join(&self.base, ["users", &id]);
        let target = Target::other("user", id.as_str()).at(instance);
        let user: UserDetailsJson = self.get(context, Action::GitlabGetUser, &target, url).await?;
        Ok(user.bot)
    }
}
