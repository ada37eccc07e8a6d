//! The requests that the doubles received: counted, awaited, or the moment at which a function is killed.

use std::time::Duration;

use doubles::Recorded;
use doubles::slack::SlackDouble;
use serde_json::Value;

use super::{HISTORY, POST, UPDATE};
use crate::env::TestEnv;
use crate::function::Function;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

impl TestEnv {
    /// How many requests the Slack double received at `path`.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let requests = self.slack().requests();
        requests.iter().filter(|request| at_path(request, path)).count()
    }

    /// Ends the functions and expects one audit entry for each request that the Slack double received.
    pub(crate) fn audited<const N: usize>(&self, mut functions: [Function; N]) {
        for function in &mut functions {
            function.kill();
        }
        for (path, action) in [
            (POST, "slack.api.post_message"),
            (UPDATE, "slack.api.update_message"),
            (HISTORY, "slack.api.get_history"),
        ] {
            let entries = |function: &Function| function.entries(action, 0).len();
            assert_eq!(
                functions.iter().map(entries).sum::<usize>(),
                self.asked(path),
                "{action}"
            );
        }
    }

    /// Invokes a function and kills it as soon as SQS, GitLab or Slack has received the request that `asked` waits for.
    pub(crate) async fn kill_when(
        &self,
        function: &mut Function,
        event: Value,
        asked: impl Future<Output = Result<Vec<Recorded>, Vec<Recorded>>>,
    ) {
        tokio::select! {
            answer = function.invoke(event) => panic!("answered before it was killed: {answer}"),
            asked = asked => drop(asked.unwrap()),
        }
        function.kill();
    }

    /// Waits until SQS has received a message request.
    pub(crate) async fn queue_asked(&self) -> Result<Vec<Recorded>, Vec<Recorded>> {
        self.aws()
            .wait_for(PATIENCE, |seen| seen.iter().any(is_send_message))
            .await
    }

    /// Waits until Slack has received a request to post a message.
    pub(crate) async fn slack_asked(&self) -> Result<Vec<Recorded>, Vec<Recorded>> {
        asked_to_post(self.slack()).await
    }

    /// Waits until GitLab has received a request for the merge request.
    pub(crate) async fn gitlab_asked(&self, path: &str) -> Result<Vec<Recorded>, Vec<Recorded>> {
        let asked = |seen: &[Recorded]| seen.iter().any(|request| at_path(request, path));
        self.gitlab().wait_for(PATIENCE, asked).await
    }
}

pub(crate) async fn asked_to_post(slack: &SlackDouble) -> Result<Vec<Recorded>, Vec<Recorded>> {
    let asked = |seen: &[Recorded]| seen.iter().any(|request| at_path(request, POST));
    slack.wait_for(PATIENCE, asked).await
}

pub(crate) fn is_send_message(request: &Recorded) -> bool {
    let target = request.headers.get("x-amz-target");
    target.is_some_and(|target| target.starts_with("AmazonSQS.SendMessage"))
}

fn at_path(request: &Recorded, path: &str) -> bool {
    request.path.split('?').next() == Some(path)
}
