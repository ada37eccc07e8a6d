//! The issue of a merge in Linear: found, marked and closed once each, without changing other data.

mod exceptions;
mod failures;
mod marking;

use clients::linear::Linear;
use clients::{MergeSummary, Tracked};
use doubles::linear::{self as double, IssueSnapshot, LinearDouble};

use super::desk::{http, options};
use super::merges::{API_KEY, Marked, linear, linear_key, mark_in_linear};

struct Desk {
    double: LinearDouble,
    client: Linear,
}

impl Desk {
    async fn open() -> Self {
        let double = double::start().await;
        double.world(|world| world.token = Some(API_KEY.to_owned()));
        let client = Linear::new(http(&options()).0, &double.url(), linear_key()).unwrap();
        Self { double, client }
    }

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
