//! Concurrent writers, programs and persons: no row is written twice, and no edit is lost.

use audit::FailureClass;
use clients::confluence::Recorded;
use clients::{Advice, MergeSummary};
use doubles::confluence::HumanEdit;

use super::super::merges::{approved, numbered};
use super::{ConfluenceEnv, TITLE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_writers_add_each_row_once() {
    let env = ConfluenceEnv::open().await;
    let merges: Vec<MergeSummary> = (1..=20).map(|iid| numbered(iid, "ENG-123")).collect();
    let until_taken = async |merge: &MergeSummary| {
        // What the outbox would retry later is retried immediately.
        loop {
            match env.record(merge).await {
                Ok(recorded) => return recorded,
                Err(error) => assert_eq!(error.class, FailureClass::Conflict, "{error}"),
            }
        }
    };
    futures::future::join_all(merges.iter().chain(&merges).map(until_taken)).await;
    assert_eq!(env.rows(), 20);
    let body = env.body(TITLE);
    for iid in 1..=20 {
        assert_eq!(body.matches(&format!(">payments/gateway!{iid}<")).count(), 1, "{iid}");
    }
}

#[tokio::test]
async fn concurrent_edit_by_a_person_is_kept_exactly() {
    for conflict_as_500 in [false, true] {
        let env = ConfluenceEnv::with_page().await;
        env.record(&numbered(1, "ENG-123")).await.unwrap();
        let edited = env.body(TITLE).replace(
            "<p>Ours&nbsp;since 2026</p>",
            "<h2 >Ours&mdash;since&nbsp;2026</h2 ><ac:structured-macro ac:name=\"info\"><ac:rich-text-body><p>careful <![CDATA[<]]></p></ac:rich-text-body></ac:structured-macro>",
        );
        env.double.world(|world| {
            world.conflict_as_500 = conflict_as_500;
            world.edit_before_next_put = vec![HumanEdit {
                page_id: "7001".to_owned(),
                body: edited.clone(),
            }];
        });
        env.record(&numbered(2, "ENG-123")).await.unwrap();
        let after = env.body(TITLE);
        let row = after.find("<tr><td><p><ac:structured-macro").unwrap();
        let second = after[row + 1..].find("<tr><td>").unwrap() + row + 1;
        let end = after[second..].find("</tr>").unwrap() + second + "</tr>".len();
        assert!(after[second..end].contains("payments/gateway!2<"));
        assert_eq!(
            format!("{}{}", &after[..second], &after[end..]),
            edited,
            "everything else is theirs"
        );
        let versions: Vec<u64> = env
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
    let env = ConfluenceEnv::with_page().await;
    let other = ConfluenceEnv::with_page().await;
    other.record(&approved("ENG-123")).await.unwrap();
    let with_row = other.body(TITLE);
    env.double.world(|world| {
        world.edit_before_next_put = vec![HumanEdit {
            page_id: "7001".to_owned(),
            body: with_row.clone(),
        }];
    });
    let recorded = env.record(&approved("ENG-123")).await.unwrap();
    assert_eq!(
        recorded,
        Recorded::Done {
            page: "7001".to_owned(),
            version: 2
        }
    );
    assert_eq!(env.body(TITLE), with_row);
}

#[tokio::test]
async fn constantly_changing_page_is_left_for_later_attempt() {
    let env = ConfluenceEnv::with_page().await;
    let edits = (0..20).map(|edit| HumanEdit {
        page_id: "7001".to_owned(),
        body: format!("<p>{edit}</p>"),
    });
    env.double.world(|world| world.edit_before_next_put = edits.collect());
    let error = env.record(&approved("ENG-123")).await.unwrap_err();
    assert_eq!(
        (error.class, error.advice),
        (FailureClass::Conflict, Advice::Retry { after: None })
    );
    assert_eq!(env.rows(), 0);
}
