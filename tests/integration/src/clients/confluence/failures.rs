//! Rejections and disturbances of the calls.

use audit::FailureClass;
use clients::Advice;
use clients::confluence::Confluence;
use clients::confluence::RowPlace;
use doubles::confluence::{self as double, RateLimited};

use super::super::disturbed::{disturbances, until_done};
use super::super::env::Client as _;
use super::super::merges::{approved, confluence};
use super::{ConfluenceEnv, TITLE};

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
        let env = ConfluenceEnv::with_page().await;
        env.double.world(change);
        let error = env.record(&approved("ENG-123")).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice == Advice::Permanent),
            (class, permanent),
            "{error}"
        );
    }
}

#[tokio::test]
async fn every_disturbance_ends_in_the_same_page() {
    for exists in [false, true] {
        let env = ConfluenceEnv::open().await;
        let prepare = || {
            env.double.reset();
            Confluence::prepare(&env.double);
            if exists {
                env.put_page();
            }
        };
        prepare();
        env.record(&approved("ENG-123")).await.unwrap();
        let (requests, expected) = (env.double.requests(), env.body(TITLE));
        for stubs in disturbances(&requests) {
            prepare();
            let attempt = async |anywhere| {
                let place = RowPlace {
                    anywhere,
                    ..RowPlace::default()
                };
                env.record_as(&approved("ENG-123"), &confluence(), &place, false).await
            };
            until_done(&env.double, &stubs, attempt).await;
            assert_eq!(env.body(TITLE), expected, "{stubs:?}");
            assert_eq!(env.rows(), 1, "{stubs:?}");
        }
    }
}
