//! The row itself: on a new page, for an exception, and looked for without a change.

use clients::confluence::{Recorded, RowPlace};

use super::super::merges::{approved, confluence, correcting, exception};
use super::{Desk, TITLE};

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
