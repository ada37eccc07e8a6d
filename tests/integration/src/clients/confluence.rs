//! The row of a merge on the audit page: written once despite concurrent writers, and without losing their content.

use audit::FailureClass;
use clients::confluence::{Confluence, Recorded, RowPlace};
use clients::{Advice, CallError, MergeSummary};
use doubles::confluence::{self as double, ConfluenceDouble, HumanEdit, RateLimited};
use rules::{ConfluenceRules as Settings, Wording};

use super::archived::{API_TOKEN, EMAIL, api_token, approved, audit_page, confluence, correcting, exception, numbered};
use super::desk::{context, http, options};
use super::disturbed::{disturbances, until_done};

mod pages;

const TITLE: &str = "Security review audit";

struct Desk {
    double: ConfluenceDouble,
    client: Confluence,
}

impl Desk {
    /// A site without the audit page.
    async fn open() -> Self {
        let double = double::start().await;
        let client = Confluence::new(http(&options()).0, &double.url(), api_token()).unwrap();
        let desk = Self { double, client };
        desk.accept();
        desk
    }

    /// One with a page that a person created, without a table.
    async fn with_page() -> Self {
        let desk = Self::open().await;
        desk.put_page();
        desk
    }

    fn accept(&self) {
        self.double
            .world(|world| world.credentials = Some(format!("{EMAIL}:{API_TOKEN}")));
    }

    fn put_page(&self) {
        self.double
            .world(|world| world.pages.insert("7001".to_owned(), audit_page()));
    }

    async fn record(&self, merge: &MergeSummary) -> Result<Recorded, CallError> {
        self.record_as(merge, &confluence(), &RowPlace::default(), false).await
    }

    async fn record_as(
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

#[tokio::test]
async fn missing_page_is_created_below_the_home_page() {
    let desk = Desk::open().await;
    let recorded = desk.record(&approved("ENG-123")).await.unwrap();
    let (id, page) = desk.double.page_titled(TITLE).unwrap();
    assert_eq!(recorded, Recorded::Done { page: id, version: 1 });
    assert_eq!(
        (page.space_id.as_str(), page.parent_id.as_deref()),
        ("98304", Some("98305"))
    );
    for part in [
        "<th><p>Verdict</p></th>",
        "payments/gateway!12</a>",
        "sec-alice (id 501)",
        "security::high",
        "2026-03-02T12:00:00Z by dpark",
    ] {
        assert!(page.body.contains(part), "{part} is missing in {}", page.body);
    }
    desk.record(&approved("ENG-123")).await.unwrap();
    assert_eq!(desk.rows(), 1);
}

#[tokio::test]
async fn exception_row_states_its_reason() {
    let desk = Desk::with_page().await;
    desk.record(&exception("ENG-123")).await.unwrap();
    let body = desk.body(TITLE);
    assert!(body.starts_with("<p>Ours&nbsp;since 2026</p>"), "{body}");
    assert!(
        body.contains("Merged without a valid security approval. No approval was given."),
        "{body}"
    );
    let page = desk.double.page("7001").unwrap();
    assert_eq!(
        page.versions.last().unwrap().message,
        "Countersign: payments/gateway!12"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_writers_add_each_row_once() {
    let desk = Desk::open().await;
    let merges: Vec<MergeSummary> = (1..=20).map(|iid| numbered(iid, "ENG-123")).collect();
    let until_taken = async |merge: &MergeSummary| {
        // What the outbox would retry later is retried immediately.
        loop {
            match desk.record(merge).await {
                Ok(recorded) => return recorded,
                Err(error) => assert_eq!(error.class, FailureClass::Conflict, "{error}"),
            }
        }
    };
    futures::future::join_all(merges.iter().chain(&merges).map(until_taken)).await;
    assert_eq!(desk.rows(), 20);
    let body = desk.body(TITLE);
    for iid in 1..=20 {
        assert_eq!(body.matches(&format!(">payments/gateway!{iid}<")).count(), 1, "{iid}");
    }
}

#[tokio::test]
async fn concurrent_edit_by_a_person_is_kept_exactly() {
    for conflict_as_500 in [false, true] {
        let desk = Desk::with_page().await;
        desk.record(&numbered(1, "ENG-123")).await.unwrap();
        let edited = desk.body(TITLE).replace(
            "<p>Ours&nbsp;since 2026</p>",
            "<h2 >Ours&mdash;since&nbsp;2026</h2 ><ac:structured-macro ac:name=\"info\"><ac:rich-text-body><p>careful <![CDATA[<]]></p></ac:rich-text-body></ac:structured-macro>",
        );
        desk.double.world(|world| {
            world.conflict_as_500 = conflict_as_500;
            world.edit_before_next_put = vec![HumanEdit {
                page_id: "7001".to_owned(),
                body: edited.clone(),
            }];
        });
        desk.record(&numbered(2, "ENG-123")).await.unwrap();
        let after = desk.body(TITLE);
        let row = after.find("<tr><td><p><ac:structured-macro").unwrap();
        let second = after[row + 1..].find("<tr><td>").unwrap() + row + 1;
        let end = after[second..].find("</tr>").unwrap() + second + "</tr>".len();
        assert!(after[second..end].contains("payments/gateway!2<"));
        assert_eq!(
            format!("{}{}", &after[..second], &after[end..]),
            edited,
            "everything else is theirs"
        );
        let versions: Vec<u64> = desk
            .double
            .page("7001")
            .unwrap()
            .versions
            .iter()
            .map(|version| version.number)
            .collect();
        assert_eq!(versions, [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn row_added_concurrently_is_not_added_again() {
    let desk = Desk::with_page().await;
    let other = Desk::with_page().await;
    other.record(&approved("ENG-123")).await.unwrap();
    let with_row = other.body(TITLE);
    desk.double.world(|world| {
        world.edit_before_next_put = vec![HumanEdit {
            page_id: "7001".to_owned(),
            body: with_row.clone(),
        }];
    });
    let recorded = desk.record(&approved("ENG-123")).await.unwrap();
    assert_eq!(
        recorded,
        Recorded::Done {
            page: "7001".to_owned(),
            version: 2
        }
    );
    assert_eq!(desk.body(TITLE), with_row);
}

#[tokio::test]
async fn constantly_changing_page_is_left_for_later_attempt() {
    let desk = Desk::with_page().await;
    let edits = (0..20).map(|edit| HumanEdit {
        page_id: "7001".to_owned(),
        body: format!("<p>{edit}</p>"),
    });
    desk.double.world(|world| world.edit_before_next_put = edits.collect());
    let error = desk.record(&approved("ENG-123")).await.unwrap_err();
    assert_eq!(
        (error.class, error.advice),
        (FailureClass::Conflict, Advice::Retry { after: None })
    );
    assert_eq!(desk.rows(), 0);
}

#[tokio::test]
async fn confluence_rejections_are_distinguished() {
    let busy = RateLimited {
        retry_after: Some(7),
        times: None,
        reason: "confluence-burst-based".to_owned(),
    };
    for (change, class, permanent) in [
        (
            Box::new(|world: &mut double::World| world.credentials = Some("other".to_owned()))
                as Box<dyn FnOnce(&mut _)>,
            FailureClass::AuthFailure,
            true,
        ),
        (
            Box::new(move |world: &mut double::World| world.rate_limited = Some(busy)),
            FailureClass::RateLimit,
            false,
        ),
        (
            Box::new(|world: &mut double::World| world.read_only = true),
            FailureClass::AuthFailure,
            true,
        ),
        (
            Box::new(|world: &mut double::World| world.spaces.clear()),
            FailureClass::NotFound,
            true,
        ),
        (
            Box::new(|world: &mut double::World| world.pages.get_mut("7001").unwrap().body = "<p>broken".to_owned()),
            FailureClass::InvalidResponse,
            true,
        ),
        (
            Box::new(|world: &mut double::World| world.largest_body_bytes = 100),
            FailureClass::InvalidResponse,
            true,
        ),
    ] {
        let desk = Desk::with_page().await;
        desk.double.world(change);
        let error = desk.record(&approved("ENG-123")).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice == Advice::Permanent),
            (class, permanent),
            "{error}"
        );
    }
}

#[tokio::test]
async fn looking_changes_nothing_and_finds_the_row() {
    let desk = Desk::with_page().await;
    let (settings, place) = (confluence(), RowPlace::default());
    assert_eq!(
        desk.record_as(&approved("ENG-123"), &settings, &place, true)
            .await
            .unwrap(),
        Recorded::Missing
    );
    assert!(desk.double.requests().iter().all(|request| request.method == "GET"));
    desk.record(&approved("ENG-123")).await.unwrap();
    assert_eq!(
        desk.record_as(&approved("ENG-123"), &settings, &place, true)
            .await
            .unwrap(),
        Recorded::Done {
            page: "7001".to_owned(),
            version: 2
        }
    );
    let corrected = correcting(exception("ENG-123"));
    assert_eq!(
        desk.record_as(&corrected, &settings, &place, true).await.unwrap(),
        Recorded::Missing
    );
}

#[tokio::test]
async fn every_disturbance_ends_in_the_same_page() {
    for exists in [false, true] {
        let desk = Desk::open().await;
        let prepare = || {
            desk.double.reset();
            desk.accept();
            if exists {
                desk.put_page();
            }
        };
        prepare();
        desk.record(&approved("ENG-123")).await.unwrap();
        let (requests, expected) = (desk.double.requests(), desk.body(TITLE));
        for stubs in disturbances(&requests) {
            prepare();
            let attempt = async |anywhere| {
                let place = RowPlace {
                    anywhere,
                    ..RowPlace::default()
                };
                desk.record_as(&approved("ENG-123"), &confluence(), &place, false).await
            };
            until_done(&desk.double, &stubs, attempt).await;
            assert_eq!(desk.body(TITLE), expected, "{stubs:?}");
            assert_eq!(desk.rows(), 1, "{stubs:?}");
        }
    }
}
