//! Several pages: a full one is followed by a new one, and rows on earlier ones are found.

use audit::FailureClass;
use clients::confluence::{Recorded, RowPlace};
use clients::{Advice, MergeSummary};
use doubles::confluence::PageStatus;
use doubles::{Fault, Stub};
use rules::{AuditPage, ConfluenceRules as Settings};

use super::super::merges::{approved, confluence, correcting, exception, numbered};
use super::{ConfluenceEnv, TITLE};

fn page_of(recorded: &Recorded) -> String {
    match recorded {
        Recorded::Done { page, .. } => page.clone(),
        Recorded::Missing => panic!("missing"),
    }
}

#[tokio::test]
async fn full_page_is_followed_by_child_page() {
    let env = ConfluenceEnv::open().await;
    let settings = Settings {
        page_limit_bytes: 8 * 1024,
        ..confluence()
    };
    let mut place = RowPlace::default();
    for iid in 1..=20 {
        let recorded = env
            .record_as(&numbered(iid, "ENG-123"), &settings, &place, false)
            .await
            .unwrap();
        place.latest = Some(page_of(&recorded));
    }
    assert_eq!(env.rows(), 20);
    let (first, _) = env.double.page_titled(TITLE).unwrap();
    let (_, second) = env.double.page_titled("Security review audit (2)").unwrap();
    let (third, _) = env.double.page_titled("Security review audit (3)").unwrap();
    assert_eq!(second.parent_id.as_deref(), Some(first.as_str()));
    assert_eq!(
        env.double.page(&third).unwrap().parent_id.as_deref(),
        Some(first.as_str())
    );
    for page in env.double.pages().values() {
        assert!(page.body.len() <= 8 * 1024, "{}: {}", page.title, page.body.len());
    }
    // A writer with an unknown or deleted latest page still finds the right one.
    for latest in [None, Some("404".to_owned()), Some(first.clone())] {
        let place = RowPlace {
            latest,
            ..RowPlace::default()
        };
        let recorded = env
            .record_as(&numbered(20, "ENG-123"), &settings, &place, false)
            .await
            .unwrap();
        assert_eq!(page_of(&recorded), place_of(&env, 20), "{place:?}");
    }
    assert_eq!(env.rows(), 20);
}

/// The page with this merge request's row.
fn place_of(env: &ConfluenceEnv, iid: i64) -> String {
    let pages = env.double.pages();
    let mut with_row = pages
        .into_iter()
        .filter(|(_, page)| page.body.contains(&format!(">payments/gateway!{iid}<")));
    with_row.next().unwrap().0
}

#[tokio::test]
async fn row_on_earlier_page_is_corrected_there() {
    let settings = Settings {
        page_limit_bytes: 8 * 1024,
        ..confluence()
    };
    for (earlier, anywhere) in [(true, false), (false, true)] {
        let env = ConfluenceEnv::open().await;
        let mut place = RowPlace::default();
        for iid in 1..=14 {
            let recorded = env
                .record_as(&numbered(iid, "ENG-123"), &settings, &place, false)
                .await
                .unwrap();
            place.latest = Some(page_of(&recorded));
        }
        let first = place_of(&env, 1);
        assert_ne!(place.latest.as_ref(), Some(&first));
        let place = RowPlace {
            earlier: earlier.then(|| first.clone()),
            anywhere,
            ..place
        };
        let again = env
            .record_as(&numbered(1, "ENG-123"), &settings, &place, false)
            .await
            .unwrap();
        assert_eq!(page_of(&again), first);
        let corrected = correcting(MergeSummary {
            verdict: exception("ENG-123").verdict,
            ..numbered(1, "ENG-123")
        });
        for _ in 0..2 {
            let recorded = env.record_as(&corrected, &settings, &place, false).await.unwrap();
            assert_eq!(page_of(&recorded), first);
        }
        let body = env.double.page(&first).unwrap().body;
        assert_eq!(
            body.matches("Corrected on 2026-03-02T12:00:02Z: Merged without a valid security approval.")
                .count(),
            1
        );
        assert_eq!(env.rows(), 14);
    }
}

#[tokio::test]
async fn foreign_page_with_our_title_is_left_unchanged() {
    let env = ConfluenceEnv::open().await;
    let settings = Settings {
        page_limit_bytes: 8 * 1024,
        ..confluence()
    };
    let theirs = doubles::confluence::Page {
        title: "Security review audit (2)".to_owned(),
        space_id: "98304".to_owned(),
        body: "<p>Another team's</p>".to_owned(),
        version: 1,
        ..doubles::confluence::Page::default()
    };
    env.double
        .world(|world| world.pages.insert("4711".to_owned(), theirs.clone()));
    // The id of one of our pages, at another site.
    let mut place = RowPlace {
        latest: Some("4711".to_owned()),
        ..RowPlace::default()
    };
    for iid in 1..=10 {
        let recorded = env
            .record_as(&numbered(iid, "ENG-123"), &settings, &place, false)
            .await
            .unwrap();
        place.latest = Some(page_of(&recorded));
    }
    assert_eq!(env.double.page("4711").unwrap().body, theirs.body);
    assert!(env.double.page_titled("Security review audit (3)").is_some());
    assert_eq!(env.rows(), 10);
}

#[tokio::test]
async fn row_search_starts_at_oldest_possible_page() {
    let settings = Settings {
        page_limit_bytes: 8 * 1024,
        ..confluence()
    };
    let env = ConfluenceEnv::open().await;
    let mut place = RowPlace::default();
    for iid in 1..=20 {
        let recorded = env
            .record_as(&numbered(iid, "ENG-123"), &settings, &place, false)
            .await
            .unwrap();
        place.latest = Some(page_of(&recorded));
    }
    let read = |env: &ConfluenceEnv| {
        env.double
            .requests()
            .iter()
            .filter(|request| request.method == "GET")
            .count()
    };
    let before = read(&env);
    let place = RowPlace {
        oldest: place.latest.clone(),
        anywhere: true,
        ..place
    };
    env.record_as(&numbered(20, "ENG-123"), &settings, &place, false)
        .await
        .unwrap();
    assert_eq!(read(&env) - before, 1, "one page, and no more");
}

#[tokio::test]
async fn page_named_by_id_must_exist() {
    let settings = Settings {
        page: AuditPage::Id("7001".to_owned()),
        ..confluence()
    };
    let env = ConfluenceEnv::with_page().await;
    let place = RowPlace::default();
    env.record_as(&approved("ENG-123"), &settings, &place, false)
        .await
        .unwrap();
    assert_eq!(env.rows(), 1);
    for status in [PageStatus::Trashed, PageStatus::Draft, PageStatus::Archived] {
        env.double
            .world(|world| world.pages.get_mut("7001").unwrap().status = status);
        let error = env
            .record_as(&approved("ENG-123"), &settings, &place, false)
            .await
            .unwrap_err();
        assert_eq!(
            (error.class, error.advice),
            (FailureClass::NotFound, Advice::Permanent),
            "{status:?}"
        );
        assert!(
            error
                .message
                .contains("page 7001 does not exist, or the account may not see it"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn concurrent_page_creation_makes_one_page() {
    let env = ConfluenceEnv::open().await;
    // The answer to the first creation is lost, so that the second meets its title.
    let lost = Stub::failing("POST", "/wiki/api/v2/pages", Fault::PostThenReset).times(1);
    env.double.stub(lost).unwrap();
    let (one, two) = (numbered(1, "ENG-123"), numbered(2, "ENG-123"));
    let error = env.record(&one).await.unwrap_err();
    assert_eq!(error.advice, Advice::Ambiguous);
    // A writer that has not seen the page yet.
    let unseen = Stub::answering(
        "GET",
        "/wiki/api/v2/pages",
        200,
        serde_json::json!({"results": [], "_links": {}}),
    )
    .times(1);
    env.double.stub(unseen).unwrap();
    env.record(&two).await.unwrap();
    env.record(&one).await.unwrap();
    assert_eq!(
        (env.rows(), env.double.pages().len()),
        (2, 2),
        "the home page and one audit page"
    );
}
