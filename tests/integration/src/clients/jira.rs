//! The issue of a merge in Jira: found, marked and closed once each, without changing other data.

use audit::FailureClass;
use clients::jira::Jira;
use clients::{Advice, AtlassianCredential, MergeSummary, Tracked};
use doubles::jira::{
    self as double, Category, Deployment, Issue, IssueSnapshot, JiraDouble, RateLimited, Status, Transition,
};
use model::MentionPlace::{Branch, Description, Title};

use super::archived::{
    API_TOKEN, EMAIL, MERGE_REQUEST, Marked, api_token, approved, correcting, exception, jira, mark_in_jira, mention,
};
use super::desk::{http, options};
use super::disturbed::{disturbances, until_done};

struct Desk {
    double: JiraDouble,
    client: Jira,
}

impl Desk {
    async fn open() -> Self {
        let double = double::start().await;
        accept(&double);
        let client = Jira::new(http(&options()).0, &double.url(), api_token()).unwrap();
        Self { double, client }
    }

    async fn mark(&self, merge: &MergeSummary) -> Marked {
        mark_in_jira(&self.client, merge, &jira(), false).await
    }

    fn issue(&self) -> IssueSnapshot {
        self.double.issue("PAY-7").unwrap()
    }

    fn changes(&self) -> Vec<String> {
        let requests = self.double.requests().into_iter();
        let changes = requests.filter(|request| request.method != "GET");
        changes
            .map(|request| request.path.rsplit('/').next().unwrap().to_owned())
            .collect()
    }
}

fn accept(double: &JiraDouble) {
    double.world(|world| world.credentials = Some(format!("{EMAIL}:{API_TOKEN}")));
}

fn done() -> (String, Tracked) {
    at("PAY-7")
}

/// Done at this issue.
fn at(key: &str) -> (String, Tracked) {
    (key.to_owned(), Tracked::Done)
}

#[tokio::test]
async fn approved_merge_closes_and_comments_issue_once() {
    for deployment in [Deployment::Cloud, Deployment::DataCenter] {
        let mut desk = Desk::open().await;
        if deployment == Deployment::DataCenter {
            desk.double.world(|world| {
                world.deployment = deployment;
                world.credentials = Some("pat".to_owned());
            });
            let credential = AtlassianCredential::AccessToken {
                access_token: "pat".into(),
            };
            desk.client = Jira::new(http(&options()).0, &desk.double.url(), credential).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(
                desk.mark(&approved("PAY-7")).await.unwrap(),
                Some(done()),
                "{deployment:?}"
            );
        }
        let issue = desk.issue();
        assert_eq!((issue.status.as_str(), issue.category), ("Done", Category::Done));
        assert_eq!(issue.labels, ["audited", "backend"], "the label of others stays");
        assert_eq!(issue.remote_links.len(), 1);
        assert_eq!(issue.remote_links[0].url(), MERGE_REQUEST);
        let [comment] = &issue.comments[..] else {
            panic!("{:?}", issue.comments)
        };
        for part in [
            "[payments/gateway\\!12|https://gitlab.example.com/payments/gateway/-/merge_requests/12]",
            "Merged with the security team's approval.",
            "sec-alice (id 501) (2026-03-02T10:00:00Z)",
        ] {
            assert!(comment.body.contains(part), "{part} is missing in {}", comment.body);
        }
        assert_eq!(
            desk.changes(),
            ["PAY-7", "remotelink", "comment", "transitions"],
            "closed last"
        );
    }
}

#[tokio::test]
async fn exception_issue_stays_open_unless_rules_close_it() {
    let desk = Desk::open().await;
    desk.mark(&exception("PAY-7")).await.unwrap();
    let issue = desk.issue();
    assert_eq!(issue.status, "In Progress");
    assert_eq!(issue.labels, ["audit-exception", "backend"]);
    assert!(
        issue.comments[0].body.contains("No approval was given."),
        "{:?}",
        issue.comments
    );

    let mut closing = jira();
    closing.tracking.close_exceptions = true;
    let desk = Desk::open().await;
    mark_in_jira(&desk.client, &exception("PAY-7"), &closing, false)
        .await
        .unwrap();
    assert_eq!(desk.issue().status, "Done");
}

#[tokio::test]
async fn first_existing_issue_is_used_under_current_key() {
    for (mentions, expected) in [
        (vec![(Branch, "PAY-7"), (Title, "PAY-8")], Some("PAY-7")),
        (vec![(Branch, "PAY-404"), (Description, "PAY-7")], Some("PAY-7")),
        (vec![(Branch, "OLD-7")], None),
        (vec![(Branch, "PAY-1")], Some("PAY-9")),
        (vec![(Branch, "PAY-2")], None),
        (vec![(Title, "PAY-404")], None),
        (vec![], None),
    ] {
        let desk = Desk::open().await;
        desk.double.world(|world| {
            world.issues.insert("PAY-8".to_owned(), Issue::default());
            for (before, now) in [("PAY-1", "PAY-9"), ("PAY-2", "CORE-9")] {
                let moved = Issue {
                    moved_from: vec![before.to_owned()],
                    ..Issue::default()
                };
                world.issues.insert(now.to_owned(), moved);
            }
        });
        let merge = MergeSummary {
            mentions: mentions.iter().map(|(place, key)| mention(*place, key)).collect(),
            ..approved("PAY-7")
        };
        let expected = expected.map(at);
        assert_eq!(desk.mark(&merge).await.unwrap(), expected, "{mentions:?}");
    }
}

#[tokio::test]
async fn ended_issue_keeps_its_status() {
    let desk = Desk::open().await;
    desk.double
        .world(|world| world.issues.get_mut("PAY-7").unwrap().status = "Rejected".to_owned());
    assert_eq!(desk.mark(&approved("PAY-7")).await.unwrap(), Some(done()));
    assert_eq!(desk.issue().status, "Rejected");
    assert_eq!(desk.issue().labels, ["audited", "backend"]);
}

#[tokio::test]
async fn done_status_is_recognized_by_category() {
    let desk = Desk::open().await;
    desk.double.world(|world| {
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
    desk.mark(&approved("PAY-7")).await.unwrap();
    assert_eq!(desk.issue().status, "Fertig");
}

#[tokio::test]
async fn an_issue_that_cannot_be_closed_says_why() {
    for (change, message) in [
        (
            Box::new(|world: &mut double::World| world.transitions.clear()) as Box<dyn FnOnce(&mut _)>,
            "does the account have the permission Transition issues?",
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
        let desk = Desk::open().await;
        desk.double.world(change);
        let error = desk.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(error.advice, Advice::Permanent);
        assert!(error.message.contains(message), "{error}");
        // Earlier steps persist and are not repeated.
        desk.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(
            (desk.issue().comments.len(), desk.issue().labels),
            (1, vec!["audited".to_owned(), "backend".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_concurrently_closed_issue_counts_as_closed() {
    let desk = Desk::open().await;
    for status in [400, 409] {
        desk.double.reset();
        accept(&desk.double);
        let path = "/rest/api/2/issue/PAY-7/transitions";
        // The double closes it, and answers as Jira answers a second caller.
        desk.mark(&approved("PAY-7")).await.unwrap();
        desk.double
            .world(|world| world.issues.get_mut("PAY-7").unwrap().status = "In Progress".to_owned());
        let refused = doubles::Stub::answering("POST", path, status, "no").times(1);
        desk.double.stub(refused).unwrap();
        let error = desk.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(error.http_status, Some(status), "it is still open");
        assert_eq!(desk.mark(&approved("PAY-7")).await.unwrap(), Some(done()));
    }
}

#[tokio::test]
async fn correction_removes_our_wrong_label() {
    let desk = Desk::open().await;
    desk.mark(&exception("PAY-7")).await.unwrap();
    for _ in 0..2 {
        desk.mark(&correcting(approved("PAY-7"))).await.unwrap();
    }
    let issue = desk.issue();
    assert_eq!(
        (issue.status.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!((issue.comments.len(), issue.remote_links.len()), (2, 1));
}

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
        let desk = Desk::open().await;
        desk.double.world(change);
        let error = desk.mark(&approved("PAY-7")).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice == Advice::Permanent),
            (class, permanent),
            "{error}"
        );
        assert_eq!(desk.issue().status, "In Progress");
    }
}

#[tokio::test]
async fn unlinkable_issue_gets_everything_except_the_link() {
    let desk = Desk::open().await;
    desk.double
        .world(|world| world.issues.get_mut("PAY-7").unwrap().linkable = false);
    assert_eq!(desk.mark(&approved("PAY-7")).await.unwrap(), Some(done()));
    let issue = desk.issue();
    assert_eq!(
        (issue.status.as_str(), issue.comments.len(), issue.remote_links.len()),
        ("Done", 1, 0)
    );
}

#[tokio::test]
async fn masked_auth_failure_is_not_a_missing_issue() {
    let desk = Desk::open().await;
    desk.double.world(|world| {
        world.credentials = Some("other".to_owned());
        world.mask_unauthorized = true;
    });
    let error = desk.mark(&approved("PAY-7")).await.unwrap_err();
    assert_eq!(error.class, FailureClass::AuthFailure);
}

#[tokio::test]
async fn every_disturbance_ends_in_the_same_issue() {
    let desk = Desk::open().await;
    desk.mark(&approved("PAY-7")).await.unwrap();
    let (requests, expected) = (desk.double.requests(), desk.issue());
    assert_eq!(requests.len(), 7);
    for stubs in disturbances(&requests) {
        desk.double.reset();
        accept(&desk.double);
        let marked = until_done(&desk.double, &stubs, async |_| desk.mark(&approved("PAY-7")).await).await;
        assert_eq!(marked, Some(done()));
        let issue = desk.issue();
        assert_eq!(
            (&issue.status, &issue.labels, &issue.transitioned),
            (&expected.status, &expected.labels, &expected.transitioned),
            "{stubs:?}"
        );
        assert_eq!((issue.comments.len(), issue.remote_links.len()), (1, 1), "{stubs:?}");
    }
}
