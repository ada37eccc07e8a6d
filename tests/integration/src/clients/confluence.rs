//! The row of a merge on the audit page: written once despite concurrent writers, and without losing their content.

mod concurrent;
mod failures;
mod pages;
mod row;

use clients::confluence::{Confluence, Recorded, RowPlace};
use clients::http::Http;
use clients::{CallError, InvalidAddress, MergeSummary};
use doubles::confluence::{self as double, ConfluenceDouble};
use rules::{ConfluenceRules as Settings, Wording};

use super::env::{Client, ClientEnv, context};
use super::merges::{API_TOKEN, EMAIL, api_token, audit_page, confluence};

const TITLE: &str = "Security review audit";

/// A site without the audit page.
pub(super) type ConfluenceEnv = ClientEnv<double::Confluence, Confluence>;

impl Client<double::Confluence> for Confluence {
    fn prepare(double: &ConfluenceDouble) {
        double.world(|world| world.credentials = Some(format!("{EMAIL}:{API_TOKEN}")));
    }

    fn connect(http: Http, address: &str) -> Result<Self, InvalidAddress> {
        Self::new(http, address, api_token())
    }
}

impl ConfluenceEnv {
    /// One with a page that a person created, without a table.
    async fn with_page() -> Self {
        let env = Self::open().await;
        env.put_page();
        env
    }

    pub(super) fn put_page(&self) {
        self.double
            .world(|world| world.pages.insert("7001".to_owned(), audit_page()));
    }

    async fn record(&self, merge: &MergeSummary) -> Result<Recorded, CallError> {
        self.record_as(merge, &confluence(), &RowPlace::default(), false).await
    }

    pub(super) async fn record_as(
        &self,
        merge: &MergeSummary,
        settings: &Settings,
        place: &RowPlace,
        read_only: bool,
    ) -> Result<Recorded, CallError> {
        let wording = Wording::default();
        self.client
            .record(&context(), merge, (settings, &wording), place, read_only)
            .await
    }

    fn body(&self, title: &str) -> String {
        self.double
            .page_titled(title)
            .unwrap_or_else(|| panic!("no page {title}"))
            .1
            .body
    }

    /// Our rows on all pages.
    fn rows(&self) -> usize {
        let pages = self.double.pages();
        pages
            .values()
            .map(|page| page.body.matches("countersign-mr-").count())
            .sum()
    }
}
