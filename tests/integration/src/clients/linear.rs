//! The issue of a merge in Linear: found, marked and closed once each, without changing other data.

use audit::FailureClass;
use clients::linear::{Linear, LinearCredential};
use clients::{Advice, Marking, MergeSummary, Tracked};
use doubles::linear::{self as double, IssueSnapshot, LinearDouble, RateLimited};
use model::MentionPlace::{Branch, Description, Title};
use model::VerdictOutcome;
use rules::Wording;

use super::archived::{
    API_KEY, MERGE_REQUEST, Marked, approved, correcting, exception, linear, linear_key, mark_in_linear, mention,
    numbered,
};
use super::desk::{context, http, options};
use super::disturbed::{disturbances, until_done};

struct Desk {
    double: LinearDouble,
    client: Linear,
}

impl Desk {
    async fn open() -> Self {
        let double = double::start().await;
        double.world(|world| world.token = Some(API_KEY.to_owned()));
        let client = Linear::new(http(&options()).0, &double.url(), linear_key()).unwrap();
        Self { double, client }
    }

    async fn mark(&self, merge: &MergeSummary) -> Marked {
        mark_in_linear(&self.client, merge, &linear(), false).await
    }

    fn issue(&self) -> IssueSnapshot {
        self.double.issue("ENG-123").unwrap()
    }

    /// Changes made since the last reset of the requests.
    fn changes(&self) -> usize {
        let requests = self.double.requests();
        let changes = requests
            .iter()
            .filter(|request| request.body["query"].as_str().unwrap().starts_with("mutation"));
        changes.count()
    }
}

fn done() -> (String, Tracked) {
    at("ENG-123")
}

/// Done at this issue.
fn at(key: &str) -> (String, Tracked) {
    (key.to_owned(), Tracked::Done)
}

#[tokio::test]
async fn approved_merge_closes_and_comments_issue_once() {
    let desk = Desk::open().await;
    for _ in 0..3 {
        assert_eq!(desk.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
    }
    let issue = desk.issue();
    assert_eq!(issue.state, "Done");
    assert_eq!(issue.labels, ["audited", "backend"], "the label of others stays");
    assert_eq!(issue.attachment_urls(), [MERGE_REQUEST]);
    let [comment] = &issue.comments[..] else {
        panic!("{:?}", issue.comments)
    };
    for part in [
        "[payments/gateway\\!12](https://gitlab.example.com/payments/gateway/-/merge_requests/12)",
        "Merged with the security team's approval.",
        "sec-alice (id 501) (2026-03-02T10\\:00\\:00Z)",
        "sha256\\:abab",
    ] {
        assert!(comment.body.contains(part), "{part} is missing in {}", comment.body);
    }
    assert_eq!(
        desk.changes(),
        4,
        "attached, commented, a label created, updated: once each"
    );
    assert_eq!(desk.double.labels(Some("ENG")), ["audited", "backend"]);
}

#[tokio::test]
async fn exception_issue_stays_open_unless_rules_close_it() {
    let desk = Desk::open().await;
    desk.mark(&exception("ENG-123")).await.unwrap();
    let issue = desk.issue();
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

    let desk = Desk::open().await;
    let mut closing = linear();
    closing.tracking.close_exceptions = true;
    mark_in_linear(&desk.client, &exception("ENG-123"), &closing, false)
        .await
        .unwrap();
    assert_eq!(desk.issue().state, "Done");
}

#[tokio::test]
async fn ended_issue_keeps_its_state() {
    for state in ["Done", "Canceled", "Duplicate"] {
        let desk = Desk::open().await;
        desk.double
            .world(|world| world.issue("ENG-123", "x").state = state.to_owned());
        assert_eq!(desk.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
        assert_eq!(desk.issue().state, state);
        assert_eq!(desk.issue().labels, ["audited", "backend"]);
    }
}

/// Order: branch, title, attachment, description.
#[tokio::test]
async fn first_existing_mention_decides_the_issue() {
    for (mentions, attached, expected) in [
        (vec![(Branch, "ENG-123"), (Title, "ENG-7")], None, Some("ENG-123")),
        (vec![(Title, "ENG-7"), (Description, "ENG-123")], None, Some("ENG-7")),
        (
            vec![(Branch, "ENG-404"), (Description, "ENG-123")],
            None,
            Some("ENG-123"),
        ),
        (vec![(Branch, "OPS-1"), (Title, "ENG-7")], None, Some("ENG-7")),
        (vec![(Branch, "ENG-8")], None, None),
        (vec![(Branch, "ENG-8")], Some("ENG-7"), Some("ENG-7")),
        (vec![(Title, "ENG-123")], Some("ENG-7"), Some("ENG-123")),
        (vec![(Description, "ENG-123")], Some("ENG-7"), Some("ENG-7")),
        (vec![(Branch, "ENG-123")], Some("ENG-7"), Some("ENG-123")),
        (vec![], Some("ENG-7"), Some("ENG-7")),
        (vec![], Some("ENG-8"), None),
        (vec![], Some("OPS-1"), None),
        (vec![], None, None),
    ] {
        let desk = Desk::open().await;
        desk.double.world(|world| {
            world.team("OPS", "Operations");
            world.issue("OPS-1", "of a team that does not count");
            world.issue("ENG-7", "another");
            world.issue("ENG-8", "deleted").trashed = true;
            if let Some(attached) = attached {
                let attachment = double::Attachment {
                    url: MERGE_REQUEST.to_owned(),
                    ..double::Attachment::default()
                };
                world.issue(attached, "attached").attachments.push(attachment);
            }
        });
        let merge = MergeSummary {
            mentions: mentions.iter().map(|(place, key)| mention(*place, key)).collect(),
            ..approved("ENG-123")
        };
        let expected = expected.map(at);
        assert_eq!(desk.mark(&merge).await.unwrap(), expected, "{mentions:?} {attached:?}");
    }
}

#[tokio::test]
async fn existing_label_is_reused_regardless_of_case() {
    for (team, name) in [(Some("ENG"), "Audited"), (None, "AUDITED")] {
        let desk = Desk::open().await;
        desk.double.world(|world| world.label(team, name));
        desk.mark(&approved("ENG-123")).await.unwrap();
        let labels = desk.issue().labels;
        assert!(labels.contains(&name.to_owned()), "{labels:?}");
        assert!(
            !desk
                .double
                .requests()
                .iter()
                .any(|request| request.body.to_string().contains("issueLabelCreate"))
        );
    }
    // A label of another team cannot be put on this issue.
    let desk = Desk::open().await;
    desk.double.world(|world| {
        world.team("OPS", "Operations");
        world.label(Some("OPS"), "audited");
    });
    desk.mark(&approved("ENG-123")).await.unwrap();
    assert_eq!(desk.double.labels(Some("ENG")), ["audited", "backend"]);
}

#[tokio::test]
async fn correction_removes_our_label_and_adds_comment() {
    let desk = Desk::open().await;
    desk.mark(&exception("ENG-123")).await.unwrap();
    for _ in 0..2 {
        desk.mark(&correcting(approved("ENG-123"))).await.unwrap();
    }
    let issue = desk.issue();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!(issue.comments.len(), 2);
    assert!(issue.comments[1].body.contains("corrected"), "{:?}", issue.comments);
}

#[tokio::test]
async fn issue_held_by_other_exception_is_left_open() {
    let desk = Desk::open().await;
    desk.mark(&exception("ENG-123")).await.unwrap();
    let other = numbered(2, "ENG-123");
    for merge in [other.clone(), correcting(other)] {
        let issue = desk
            .client
            .find(&context(), &merge, &linear().tracking)
            .await
            .unwrap()
            .unwrap();
        let marking = Marking {
            wording: &Wording::default(),
            blocked_by_exception: true,
            read_only: false,
        };
        desk.client
            .mark(&context(), &merge, &issue, &linear(), marking)
            .await
            .unwrap();
        let issue = desk.issue();
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
    let desk = Desk::open().await;
    desk.mark(&exception("ENG-123")).await.unwrap();
    let mut nothing = correcting(approved("ENG-123"));
    nothing.verdict.outcome = VerdictOutcome::NotCarried;
    desk.mark(&nothing).await.unwrap();
    let issue = desk.issue();
    assert_eq!(
        (issue.state.as_str(), issue.labels),
        ("In Progress", vec!["backend".to_owned()])
    );
    assert!(
        issue.comments[1].body.contains("no approval was needed"),
        "{:?}",
        issue.comments
    );

    let desk = Desk::open().await;
    let mut closing = linear();
    closing.tracking.close_exceptions = true;
    let mut unconfirmed = exception("ENG-123");
    unconfirmed.is_confirmed = false;
    mark_in_linear(&desk.client, &unconfirmed, &closing, false)
        .await
        .unwrap();
    assert_eq!(desk.issue().state, "In Progress");
}

#[tokio::test]
async fn correction_goes_to_the_earlier_issue() {
    let desk = Desk::open().await;
    desk.double
        .world(|world| drop(world.issue("ENG-7", "another").title.clone()));
    desk.mark(&exception("ENG-7")).await.unwrap();
    let mut later = correcting(approved("ENG-123"));
    later.earlier_issue = Some("ENG-7".to_owned());
    assert_eq!(desk.mark(&later).await.unwrap(), Some(at("ENG-7")));
    assert_eq!(desk.double.issue("ENG-7").unwrap().labels, ["audited"]);
    assert_eq!(desk.issue().comments.len(), 0);
}

#[tokio::test]
async fn retired_issue_is_left_unchanged_without_error() {
    let desk = Desk::open().await;
    desk.double.world(|world| {
        world.issue("ENG-123", "x").archived_at = Some("2026-03-01T10:00:00.000Z".to_owned());
    });
    assert_eq!(desk.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
    assert_eq!(desk.changes(), 0);
}

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
async fn comment_moved_elsewhere_counts_as_posted() {
    let desk = Desk::open().await;
    desk.mark(&approved("ENG-123")).await.unwrap();
    // Another user moved it to another issue; this one still needs its label.
    desk.double.world(|world| {
        let comments = std::mem::take(&mut world.issue("ENG-123", "x").comments);
        world.issue("ENG-9", "other").comments = comments;
        world.issue("ENG-123", "x").labels.clear();
    });
    assert_eq!(desk.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
    assert_eq!(desk.issue().labels, ["audited"]);
}

#[tokio::test]
async fn looking_changes_nothing_and_detects_completion() {
    let desk = Desk::open().await;
    let look = async || {
        let (merge, settings) = (approved("ENG-123"), linear());
        mark_in_linear(&desk.client, &merge, &settings, true).await.unwrap()
    };
    assert_eq!(look().await, Some(("ENG-123".to_owned(), Tracked::Missing)));
    assert_eq!(desk.changes(), 0);
    desk.mark(&approved("ENG-123")).await.unwrap();
    assert_eq!(look().await, Some(done()));
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
async fn application_token_is_sent_as_bearer_token() {
    let desk = Desk::open().await;
    desk.double.world(|world| world.token = Some("oauth-token".to_owned()));
    let credential = LinearCredential::AccessToken("oauth-token".into());
    let client = Linear::new(http(&options()).0, &desk.double.url(), credential).unwrap();
    let marked = mark_in_linear(&client, &approved("ENG-123"), &linear(), false).await;
    assert_eq!(marked.unwrap(), Some(done()));
    assert_eq!(desk.double.requests()[0].headers["authorization"], "Bearer oauth-token");
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
