//! Rejections and disturbances of the calls.

use audit::FailureClass;
use clients::Advice;
use doubles::linear::{self as double, IssueSnapshot, RateLimited};

use super::super::disturbed::{disturbances, until_done};
use super::super::merges::{API_KEY, approved, exception, linear, mark_in_linear};
use super::{Desk, done};

#[tokio::test]
async fn label_group_is_reported_as_permanent_error() {
    let desk = Desk::open().await;
    desk.double.world(|world| {
        let id = world.label(None, "audited");
        world.labels.get_mut(&id).unwrap().is_group = true;
    });
    let error = desk.mark(&approved("ENG-123")).await.unwrap_err();
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
        let desk = Desk::open().await;
        desk.double.world(change);
        let before = desk.issue();
        let error = desk.mark(&approved("ENG-123")).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice == Advice::Permanent),
            (class, permanent),
            "{error}"
        );
        assert_eq!(desk.issue(), before);
    }
}

#[tokio::test]
async fn missing_issue_is_recognized_under_either_status() {
    for errors_as_400 in [false, true] {
        let desk = Desk::open().await;
        desk.double.world(|world| world.errors_as_400 = errors_as_400);
        assert_eq!(desk.mark(&approved("ENG-404")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn requested_wait_is_read_as_milliseconds() {
    let desk = Desk::open().await;
    desk.double.world(|world| {
        world.rate_limited = Some(RateLimited {
            times: Some(1),
            reset_in_ms: 3_600_000 * 24,
        });
    });
    // The double's clock is not the client's, so the wait is only bounded.
    let error = desk.mark(&approved("ENG-123")).await.unwrap_err();
    assert_eq!(error.advice.after(), Some(std::time::Duration::from_hours(1)));
}

#[tokio::test]
async fn unknown_completed_state_error_lists_available_states() {
    let desk = Desk::open().await;
    let mut settings = linear();
    settings.completed_state = Some("Shipped".to_owned());
    let marked = mark_in_linear(&desk.client, &approved("ENG-123"), &settings, false).await;
    let error = marked.unwrap_err();
    assert_eq!(error.advice, Advice::Permanent);
    assert!(error.message.contains("\"Shipped\"; it has: Done"), "{error}");
    assert_eq!(desk.changes(), 0);
}

#[tokio::test]
async fn every_disturbance_ends_in_the_same_issue() {
    for merge in [approved("ENG-123"), exception("ENG-123")] {
        let desk = Desk::open().await;
        desk.mark(&merge).await.unwrap();
        let (requests, expected) = (desk.double.requests(), desk.issue());
        assert_eq!(requests.len(), 6);
        for stubs in disturbances(&requests) {
            desk.double.reset();
            desk.double.world(|world| world.token = Some(API_KEY.to_owned()));
            let marked = until_done(&desk.double, &stubs, async |_| desk.mark(&merge).await).await;
            assert_eq!(marked, Some(done()));
            let ids = |issue: &IssueSnapshot| {
                issue
                    .comments
                    .iter()
                    .map(|comment| comment.id.clone())
                    .collect::<Vec<_>>()
            };
            let issue = desk.issue();
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
