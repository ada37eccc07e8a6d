//! Rejections and disturbances of the calls.

use audit::FailureClass;
use clients::Advice;
use doubles::linear::{self as double, IssueSnapshot, RateLimited};

use super::super::disturbed::{disturbances, until_done};
use super::super::merges::{API_KEY, approved, exception, linear, mark_in_linear};
use super::{LinearEnv, done};

#[tokio::test]
async fn label_group_is_reported_as_permanent_error() {
    let env = LinearEnv::open().await;
    env.double.world(|world| {
        let id = world.label(None, "audited");
        world.labels.get_mut(&id).unwrap().is_group = true;
    });
    let error = env.mark(&approved("ENG-123")).await.unwrap_err();
    assert_eq!((error.class, error.advice), (FailureClass::Conflict, Advice::Permanent));
    assert!(error.message.contains("is it a label group?"), "{error}");
}

#[tokio::test]
async fn linear_refusals_are_classified_and_change_nothing() {
    let rate = RateLimited {
        times: None,
        reset_in_ms: 90_000,
    };
    for (change, class, permanent) in [
        (
            Box::new(|world: &mut double::World| world.token = Some("lin_api_other".to_owned()))
                as Box<dyn FnOnce(&mut _)>,
            FailureClass::AuthFailure,
            true,
        ),
        (
            Box::new(move |world: &mut double::World| world.rate_limited = Some(rate)),
            FailureClass::RateLimit,
            false,
        ),
        (
            Box::new(|world| world.read_only = true),
            FailureClass::AuthFailure,
            true,
        ),
        (
            Box::new(|world| world.partial_errors = true),
            FailureClass::ServerError,
            false,
        ),
    ] {
        let env = LinearEnv::open().await;
        env.double.world(change);
        let before = env.issue();
        let error = env.mark(&approved("ENG-123")).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice == Advice::Permanent),
            (class, permanent),
            "{error}"
        );
        assert_eq!(env.issue(), before);
    }
}

#[tokio::test]
async fn missing_issue_is_recognized_under_either_status() {
    for errors_as_400 in [false, true] {
        let env = LinearEnv::open().await;
        env.double.world(|world| world.errors_as_400 = errors_as_400);
        assert_eq!(env.mark(&approved("ENG-404")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn requested_wait_is_read_as_milliseconds() {
    let env = LinearEnv::open().await;
    env.double.world(|world| {
        world.rate_limited = Some(RateLimited {
            times: Some(1),
            reset_in_ms: 3_600_000 * 24,
        });
    });
    // The double's clock is not the client's, so the wait is only bounded.
    let error = env.mark(&approved("ENG-123")).await.unwrap_err();
    assert_eq!(error.advice.after(), Some(std::time::Duration::from_hours(1)));
}

#[tokio::test]
async fn unknown_completed_state_error_lists_available_states() {
    let env = LinearEnv::open().await;
    let mut settings = linear();
    settings.completed_state = Some("Shipped".to_owned());
    let marked = mark_in_linear(&env.client, &approved("ENG-123"), &settings, false).await;
    let error = marked.unwrap_err();
    assert_eq!(error.advice, Advice::Permanent);
    assert!(error.message.contains("\"Shipped\"; it has: Done"), "{error}");
    assert_eq!(env.changes(), 0);
}

#[tokio::test]
async fn every_disturbance_ends_in_the_same_issue() {
    for merge in [approved("ENG-123"), exception("ENG-123")] {
        let env = LinearEnv::open().await;
        env.mark(&merge).await.unwrap();
        let (requests, expected) = (env.double.requests(), env.issue());
        assert_eq!(requests.len(), 6);
        for stubs in disturbances(&requests) {
            env.double.reset();
            env.double.world(|world| world.token = Some(API_KEY.to_owned()));
            let marked = until_done(&env.double, &stubs, async |_| env.mark(&merge).await).await;
            assert_eq!(marked, Some(done()));
            let ids = |issue: &IssueSnapshot| {
                issue
                    .comments
                    .iter()
                    .map(|comment| comment.id.clone())
                    .collect::<Vec<_>>()
            };
            let issue = env.issue();
            assert_eq!(
                (&issue.state, &issue.labels, issue.attachment_urls(), ids(&issue)),
                (
                    &expected.state,
                    &expected.labels,
                    expected.attachment_urls(),
                    ids(&expected)
                ),
                "{stubs:?}"
            );
        }
    }
}
