//! The issue of a merge in Jira: found, marked and closed once each, without changing other data.

mod closing;
mod failures;
mod marking;

use clients::http::Http;
use clients::jira::Jira;
use clients::{InvalidAddress, MergeSummary, Tracked};
use doubles::jira::{self as double, IssueSnapshot, JiraDouble};

use super::env::{Client, ClientEnv};
use super::merges::{API_TOKEN, EMAIL, Marked, api_token, jira, mark_in_jira};

pub(super) type JiraEnv = ClientEnv<double::Jira, Jira>;

impl Client<double::Jira> for Jira {
    fn prepare(double: &JiraDouble) {
        double.world(|world| world.credentials = Some(format!("{EMAIL}:{API_TOKEN}")));
    }

    fn connect(http: Http, address: &str) -> Result<Self, InvalidAddress> {
        Self::new(http, address, api_token())
    }
}

impl JiraEnv {
    async fn mark(&self, merge: &MergeSummary) -> Marked {
        mark_in_jira(&self.client, merge, &jira(), false).await
    }

    fn issue(&self) -> IssueSnapshot {
        self.double.issue("PAY-7").unwrap()
    }

    fn changes(&self) -> Vec<String> {
        let requests = self.double.requests().into_iter();
        let changes = requests.filter(|request| request.method != "GET");
        changes
            .map(|request| request.path.rsplit('/').next().unwrap().to_owned())
            .collect()
    }
}

fn done() -> (String, Tracked) {
    done_at("PAY-7")
}

/// Done at this issue.
fn done_at(key: &str) -> (String, Tracked) {
    (key.to_owned(), Tracked::Done)
}
