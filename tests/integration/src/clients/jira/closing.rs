//! Closing the issue: its statuses and transitions.

use clients::Advice;
use clients::jira::Jira;
use doubles::jira::{self as double, Category, Status, Transition};

use super::super::env::Client as _;
use super::super::merges::approved;
use super::{JiraEnv, done};

#[tokio::test]
async fn ended_issue_keeps_its_status() {
    let env = JiraEnv::open().await;
    env.double
        .world(|world| world.issues.get_mut("PAY-7").unwrap().status = "Rejected".to_owned());
    assert_eq!(env.mark(&approved("PAY-7")).await.unwrap(), Some(done()));
    assert_eq!(env.issue().status, "Rejected");
    assert_eq!(env.issue().labels, ["audited", "backend"]);
}

#[tokio::test]
async fn done_status_is_recognized_by_category() {
    let env = JiraEnv::open().await;
    env.double.world(|world| {
        world.statuses.push(Status {
            id: "10009".to_owned(),
            name: "Fertig".to_owned(),
            category: Category::Done,
        });
        world.transitions.clear();
        world.transitions.push(Transition {
            id: "91".to_owned(),
            name: "Abschließen".to_owned(),
            from: vec!["In Progress".to_owned()],
            to: "Fertig".to_owned(),
            required: Vec::new(),
        });
    });
    env.mark(&approved("PAY-7")).await.unwrap();
    assert_eq!(env.issue().status, "Fertig");
}

#[tokio::test]
async fn an_issue_that_cannot_be_closed_says_why() {
    for (change, message) in [
        (
            Box::new(|world: &mut double::World| world.transitions.clear()) as Box<dyn FnOnce(&mut _)>,
            "does the account have the \"Transition issues\" permission?",
        ),
        (
            Box::new(|world: &mut double::World| {
                world
                    .transitions
                    .iter_mut()
                    .for_each(|transition| transition.required.push("resolution".to_owned()));
            }),
            "answered 400",
        ),
    ] {
        let env = JiraEnv::open().await;
        env.double.world(change);
        let error = env.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(error.advice, Advice::Permanent);
        assert!(error.message.contains(message), "{error}");
        // Earlier steps persist and are not repeated.
        env.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(
            (env.issue().comments.len(), env.issue().labels),
            (1, vec!["audited".to_owned(), "backend".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_concurrently_closed_issue_counts_as_closed() {
    let env = JiraEnv::open().await;
    for status in [400, 409] {
        env.double.reset();
        Jira::prepare(&env.double);
        let path = "/rest/api/2/issue/PAY-7/transitions";
        // The double closes it, and answers as Jira answers a second caller.
        env.mark(&approved("PAY-7")).await.unwrap();
        env.double
            .world(|world| world.issues.get_mut("PAY-7").unwrap().status = "In Progress".to_owned());
        let refused = doubles::Stub::answering("POST", path, status, "no").times(1);
        env.double.stub(refused).unwrap();
        let error = env.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(error.http_status, Some(status), "it is still open");
        assert_eq!(env.mark(&approved("PAY-7")).await.unwrap(), Some(done()));
    }
}
