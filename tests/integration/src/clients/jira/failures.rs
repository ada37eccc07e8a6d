//! Rejections and disturbances of the calls.

use audit::FailureClass;
use clients::Advice;
use clients::jira::Jira;
use doubles::jira::{self as double, RateLimited};

use super::super::disturbed::{disturbances, until_done};
use super::super::env::Client as _;
use super::super::merges::approved;
use super::{JiraEnv, done};

#[tokio::test]
async fn jira_rejections_are_distinguished() {
    let busy = RateLimited {
        retry_after: Some(7),
        times: None,
        reason: "jira-per-issue-on-write".to_owned(),
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
            Box::new(|world: &mut double::World| world.issues.get_mut("PAY-7").unwrap().editable = false),
            FailureClass::InvalidResponse,
            true,
        ),
        (
            Box::new(|world: &mut double::World| world.issues.get_mut("PAY-7").unwrap().commentable = false),
            FailureClass::InvalidResponse,
            true,
        ),
    ] {
        let env = JiraEnv::open().await;
        env.double.world(change);
        let error = env.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice == Advice::Permanent),
            (class, permanent),
            "{error}"
        );
        assert_eq!(env.issue().status, "In Progress");
    }
}

#[tokio::test]
async fn masked_auth_failure_is_not_a_missing_issue() {
    let env = JiraEnv::open().await;
    env.double.world(|world| {
        world.credentials = Some("other".to_owned());
        world.mask_unauthorized = true;
    });
    let error = env.mark(&approved("PAY-7")).await.unwrap_err();
    assert_eq!(error.class, FailureClass::AuthFailure);
}

#[tokio::test]
async fn every_disturbance_ends_in_the_same_issue() {
    let env = JiraEnv::open().await;
    env.mark(&approved("PAY-7")).await.unwrap();
    let (requests, expected) = (env.double.requests(), env.issue());
    assert_eq!(requests.len(), 7);
    for stubs in disturbances(&requests) {
        env.double.reset();
        Jira::prepare(&env.double);
        let marked = until_done(&env.double, &stubs, async |_| env.mark(&approved("PAY-7")).await).await;
        assert_eq!(marked, Some(done()));
        let issue = env.issue();
        assert_eq!(
            (&issue.status, &issue.labels, &issue.transitioned),
            (&expected.status, &expected.labels, &expected.transitioned),
            "{stubs:?}"
        );
        assert_eq!((issue.comments.len(), issue.remote_links.len()), (1, 1), "{stubs:?}");
    }
}
