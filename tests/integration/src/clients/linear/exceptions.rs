//! Exceptions that keep the issue open, and corrections of an earlier verdict.

use clients::TrackerOptions;
use model::VerdictOutcome;
use rules::Wording;

use super::super::env::context;
use super::super::merges::{approved, correcting, exception, linear, mark_in_linear, numbered};
use super::{LinearEnv, done_at};

#[tokio::test]
async fn exception_issue_stays_open_unless_rules_close_it() {
    let env = LinearEnv::open().await;
    env.mark(&exception("ENG-123")).await.unwrap();
    let issue = env.issue();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("In Progress", vec!["audit-exception".to_owned(), "backend".to_owned()])
    );
    assert!(
        issue.comments[0].body.contains("No approval was given."),
        "{:?}",
        issue.comments
    );
    assert!(issue.comments[0].body.contains("stays open"), "{:?}", issue.comments);

    let env = LinearEnv::open().await;
    let mut closing = linear();
    closing.tracking.close_exceptions = true;
    mark_in_linear(&env.client, &exception("ENG-123"), &closing, false)
        .await
        .unwrap();
    assert_eq!(env.issue().state, "Done");
}

#[tokio::test]
async fn correction_removes_our_label_and_adds_comment() {
    let env = LinearEnv::open().await;
    env.mark(&exception("ENG-123")).await.unwrap();
    for _ in 0..2 {
        env.mark(&correcting(approved("ENG-123"))).await.unwrap();
    }
    let issue = env.issue();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!(issue.comments.len(), 2);
    assert!(issue.comments[1].body.contains("corrected"), "{:?}", issue.comments);
}

#[tokio::test]
async fn issue_held_by_other_exception_is_left_open() {
    let env = LinearEnv::open().await;
    env.mark(&exception("ENG-123")).await.unwrap();
    let other = numbered(2, "ENG-123");
    for merge in [other.clone(), correcting(other)] {
        let issue = env
            .client
            .find(&context(), &merge, &linear().tracking)
            .await
            .unwrap()
            .unwrap();
        let options = TrackerOptions {
            wording: &Wording::default(),
            blocked_by_exception: true,
            read_only: false,
        };
        env.client
            .mark(&context(), &merge, &issue, &linear(), options)
            .await
            .unwrap();
        let issue = env.issue();
        assert_eq!(
            (issue.state.as_str(), issue.labels),
            ("In Progress", vec!["audit-exception".to_owned(), "backend".to_owned()])
        );
        assert!(
            issue
                .comments
                .last()
                .unwrap()
                .body
                .contains("stays open: another merge for it has no valid approval"),
            "{:?}",
            issue.comments
        );
    }
}

#[tokio::test]
async fn unreviewed_or_unconfirmed_merge_does_not_close_issue() {
    let env = LinearEnv::open().await;
    env.mark(&exception("ENG-123")).await.unwrap();
    let mut nothing = correcting(approved("ENG-123"));
    nothing.verdict.outcome = VerdictOutcome::NotCarried;
    env.mark(&nothing).await.unwrap();
    let issue = env.issue();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("In Progress", vec!["backend".to_owned()])
    );
    assert!(
        issue.comments[1].body.contains("no approval was needed"),
        "{:?}",
        issue.comments
    );

    let env = LinearEnv::open().await;
    let mut closing = linear();
    closing.tracking.close_exceptions = true;
    let mut unconfirmed = exception("ENG-123");
    unconfirmed.is_confirmed = false;
    mark_in_linear(&env.client, &unconfirmed, &closing, false)
        .await
        .unwrap();
    assert_eq!(env.issue().state, "In Progress");
}

#[tokio::test]
async fn correction_goes_to_the_earlier_issue() {
    let env = LinearEnv::open().await;
    env.double
        .world(|world| drop(world.issue("ENG-7", "another").title.clone()));
    env.mark(&exception("ENG-7")).await.unwrap();
    let mut later = correcting(approved("ENG-123"));
    later.earlier_issue = Some("ENG-7".to_owned());
    assert_eq!(env.mark(&later).await.unwrap(), Some(done_at("ENG-7")));
    assert_eq!(env.double.issue("ENG-7").unwrap().labels, ["audited"]);
    assert_eq!(env.issue().comments.len(), 0);
}
