//! The issue of a merge in Linear: found, marked and closed once each, without changing other data.

mod exceptions;
mod failures;
mod marking;

use clients::http::Http;
use clients::linear::Linear;
use clients::{InvalidAddress, MergeSummary, Tracked};
use doubles::linear::{self as double, IssueSnapshot, LinearDouble};

use super::env::{Client, ClientEnv};
use super::merges::{API_KEY, Marked, linear, linear_key, mark_in_linear};

pub(super) type LinearEnv = ClientEnv<double::Linear, Linear>;

impl Client<double::Linear> for Linear {
    fn prepare(double: &LinearDouble) {
        double.world(|world| world.token = Some(API_KEY.to_owned()));
    }

    fn connect(http: Http, address: &str) -> Result<Self, InvalidAddress> {
        Self::new(http, address, linear_key())
    }
}

impl LinearEnv {
    async fn mark(&self, merge: &MergeSummary) -> Marked {
        mark_in_linear(&self.client, merge, &linear(), false).await
    }

    fn issue(&self) -> IssueSnapshot {
        self.double.issue("ENG-123").unwrap()
    }

    /// Changes made since the last reset of the requests.
    fn changes(&self) -> usize {
        let requests = self.double.requests();
        let changes = requests
            .iter()
            .filter(|request| request.body["query"].as_str().unwrap().starts_with("mutation"));
        changes.count()
    }
}

fn done() -> (String, Tracked) {
    done_at("ENG-123")
}

/// Done at this issue.
fn done_at(key: &str) -> (String, Tracked) {
    (key.to_owned(), Tracked::Done)
}
