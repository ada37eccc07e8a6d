//! The row itself: on a new page, for an exception, and looked for without a change.

use clients::confluence::{Recorded, RowPlace};

use super::super::merges::{approved, confluence, correcting, exception};
use super::{ConfluenceEnv, TITLE};

#[tokio::test]
async fn missing_page_is_created_below_the_home_page() {
    let env = ConfluenceEnv::open().await;
    let recorded = env.record(&approved("ENG-123")).await.unwrap();
    let (id, page) = env.double.page_titled(TITLE).unwrap();
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
    env.record(&approved("ENG-123")).await.unwrap();
    assert_eq!(env.rows(), 1);
}

#[tokio::test]
async fn exception_row_states_its_reason() {
    let env = ConfluenceEnv::with_page().await;
    env.record(&exception("ENG-123")).await.unwrap();
    let body = env.body(TITLE);
    assert!(body.starts_with("<p>Ours&nbsp;since 2026</p>"), "{body}");
    assert!(
        body.contains("Merged without a valid security approval. No approval was given."),
        "{body}"
    );
    let page = env.double.page("7001").unwrap();
    assert_eq!(
        page.versions.last().unwrap().message,
        "Countersign: payments/gateway!12"
    );
}

#[tokio::test]
async fn looking_changes_nothing_and_finds_the_row() {
    let env = ConfluenceEnv::with_page().await;
    let (settings, place) = (confluence(), RowPlace::default());
    assert_eq!(
        env.record_as(&approved("ENG-123"), &settings, &place, true)
            .await
            .unwrap(),
        Recorded::Missing
    );
    assert!(env.double.requests().iter().all(|request| request.method == "GET"));
    env.record(&approved("ENG-123")).await.unwrap();
    assert_eq!(
        env.record_as(&approved("ENG-123"), &settings, &place, true)
            .await
            .unwrap(),
        Recorded::Done {
            page: "7001".to_owned(),
            version: 2
        }
    );
    let corrected = correcting(exception("ENG-123"));
    assert_eq!(
        env.record_as(&corrected, &settings, &place, true).await.unwrap(),
        Recorded::Missing
    );
}
