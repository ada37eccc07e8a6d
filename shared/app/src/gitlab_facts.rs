//! GitLab's answer: read before the transaction, only as much as the merge needs, and not while GitLab asks us to wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use audit::Context;
use clients::gitlab::{FactsRequest, GitLab};
use jiff::{SignedDuration, Timestamp};
use model::{Facts, GitLabAnswer, LabelFacts, PartialAnswer, UserId, later};
use rules::Approvers;
use store::{StoreError, Tx};

use crate::App;

/// If GitLab did not answer at all, its instance is not read for this time: each message would wait for its own timeout.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// What this environment knows about the GitLab instances.
#[derive(Debug, Default)]
pub(crate) struct KnownOfInstances {
    /// Instances that are not read until then.
    paused: Mutex<HashMap<String, Timestamp>>,
    /// Accounts with a kind in the database, by instance.
    kept_flags: Mutex<BTreeMap<String, BTreeSet<UserId>>>,
}

impl App {
    /// GitLab's answer about the merge in `facts`. A merge that never had a security label costs two requests.
    pub(crate) async fn read_merge(&self, context: &Context, facts: &Facts, expect_lag: bool) -> GitLabAnswer {
        let (client, request) = match self.request(facts, expect_lag) {
            Ok(found) => found,
            Err(unread) => return GitLabAnswer::Unavailable(*unread),
        };
        self.load_flags(client, &facts.merge_request.instance).await;
        let wanted = |labels: &LabelFacts| rules::needs_approvals(facts, labels, &self.rules);
        let members = self.members(context, client, &request.key.instance, group(request.approvers));
        let read = client.merge_facts(context, request, members, wanted);
        self.pause_on_failure(facts, Box::pin(read).await)
    }

    /// GitLab's answer about a merge request that need not be merged.
    pub(crate) async fn read_review_facts(&self, context: &Context, facts: &Facts, now: Timestamp) -> GitLabAnswer {
        let (client, request) = match self.request(facts, false) {
            Ok(found) => found,
            Err(unread) => return GitLabAnswer::Unavailable(*unread),
        };
        self.load_flags(client, &facts.merge_request.instance).await;
        let members = self.members(context, client, &request.key.instance, group(request.approvers));
        let read = client.review_facts(context, FactsRequest { now, ..request }, members);
        self.pause_on_failure(facts, Box::pin(read).await)
    }

    fn request<'a>(
        &'a self,
        facts: &'a Facts,
        expect_lag: bool,
    ) -> Result<(&'a GitLab, FactsRequest<'a>), Box<PartialAnswer>> {
        let key = &facts.merge_request;
        let (Some(client), approvers @ Some(_)) =
            (self.instances.get(&key.instance), self.rules.approvers(&key.instance))
        else {
            return Err(Box::new(PartialAnswer::from(format!(
                "the instance {} has no address in the rules or no token in the outbound secret",
                key.instance
            ))));
        };
        let now = self.clock.now();
        if let Some(left) = self.paused_for(&key.instance) {
            return Err(Box::new(PartialAnswer {
                retry_after_seconds: u64::try_from(left).ok(),
                ..PartialAnswer::from(format!("GitLab did not answer recently; reads are paused for {left} s"))
            }));
        }
        let request = FactsRequest {
            key,
            approvers,
            project_path: &facts.trigger.project_path,
            now,
            expect_lag,
        };
        Ok((client, request))
    }

    /// For how many seconds an instance is not read.
    pub(crate) fn paused_for(&self, instance: &str) -> Option<i64> {
        let now = self.clock.now();
        let paused = self.gitlab.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let until = paused.get(instance).filter(|until| **until > now)?;
        Some(until.duration_since(now).as_secs())
    }

    /// Pauses reads of a GitLab that did not answer, or asked us to wait.
    fn pause_on_failure(&self, facts: &Facts, answer: GitLabAnswer) -> GitLabAnswer {
        // One merge request that GitLab cannot show (5xx) does not block others.
        if let GitLabAnswer::Unavailable(unread) = &answer
            && !unread.details_read
            && (unread.silent || unread.retry_after_seconds.is_some())
        {
            let retry_after = unread
                .retry_after_seconds
                .and_then(|seconds| i64::try_from(seconds).ok());
            let pause = retry_after.map_or(PAUSE, SignedDuration::from_secs);
            let until = later(self.clock.now(), pause);
            let mut paused = self.gitlab.paused.lock().unwrap_or_else(PoisonError::into_inner);
            paused.insert(facts.merge_request.instance.clone(), until);
        }
        answer
    }

    /// Known accounts are loaded once; without them GitLab is read, so a failure is ignored.
    async fn load_flags(&self, client: &GitLab, instance: &str) {
        let lock_kept_flags = || self.gitlab.kept_flags.lock().unwrap_or_else(PoisonError::into_inner);
        if lock_kept_flags().contains_key(instance) {
            return;
        }
        match self.store.bot_flags(instance).await {
            Ok(flags) => {
                lock_kept_flags().insert(instance.to_owned(), flags.keys().copied().collect());
                client.remember_bots(flags);
            }
            Err(error) => tracing::warn!(%error, "could not load known accounts; reading them from GitLab"),
        }
    }

    /// Stores GitLab's answers about accounts for every environment.
    pub(crate) fn keep_flags(&self, tx: &mut Tx<'_>, facts: &Facts) -> Result<(), StoreError> {
        let GitLabAnswer::Full(api) = &facts.api else {
            return Ok(());
        };
        let instance = &facts.merge_request.instance;
        let Some(client) = self.instances.get(instance) else {
            return Ok(());
        };
        let mut new = client.given_bots(&api.bots.keys().copied().collect());
        {
            let kept_flags = self.gitlab.kept_flags.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept_flags) = kept_flags.get(instance) {
                new.retain(|id, _| !kept_flags.contains(id));
            }
        }
        tx.keep_bot_flags(instance, &new, self.now())?;
        let mut kept_flags = self.gitlab.kept_flags.lock().unwrap_or_else(PoisonError::into_inner);
        kept_flags.entry(instance.clone()).or_default().extend(new.into_keys());
        Ok(())
    }
}

fn group(approvers: Option<&Approvers>) -> Option<&rules::ApproverGroup> {
    approvers?.group.as_ref()
}
