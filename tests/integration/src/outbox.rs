//! The outbox and its functions as separate processes: a real Postgres, doubles of GitLab, Slack and AWS, no emulator.

mod event;
mod requests;
mod rows;

use doubles::{Fault, Stub};
use model::Effect;
use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::function::Function;
pub(crate) use event::{batch, delivery, message, relay, unapproved};
pub(crate) use requests::{asked_to_post, is_send_message};
pub(crate) use rows::EffectRow;

pub(crate) const POST: &str = "/api/chat.postMessage";
pub(crate) const UPDATE: &str = "/api/chat.update";
pub(crate) const HISTORY: &str = "/api/conversations.history";

impl TestEnv {
    /// The effect of a merge without approval, due immediately: the evaluator's clock shows a past day.
    pub(crate) async fn effect(&self, iid: u64) -> Effect {
        let mr = unapproved(iid);
        self.merged(&mr, |_| ());
        let mut report = self.deliver_merge(&mr).await;
        assert_eq!(report.effects.len(), 1);
        report.effects.remove(0)
    }

    /// Sends the notifier the effect's message with the number of attempts in its row.
    pub(crate) async fn attempt(&self, notifier: &Function, effect: &Effect) -> EffectRow {
        let attempts = self.effect_row(effect.id).await.attempts;
        notifier.completes(message(effect, attempts)).await;
        self.effect_row(effect.id).await
    }

    /// Makes every call to SQS fail like this; use only after a function has read its secrets from the same address.
    pub(crate) fn queue_fails(&self, fault: Fault) {
        self.aws().stub(Stub::failing("POST", "/", fault)).unwrap();
    }
}

impl Function {
    /// Invokes it with a batch and expects complete success.
    pub(crate) async fn completes(&self, batch: Value) {
        let answer = self.invoke(batch).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
}
