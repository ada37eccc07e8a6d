//! Finding and marking the issue: its comment, labels and link.

use clients::jira::Jira;
use clients::{AtlassianCredential, MergeSummary};
use doubles::jira::{Category, Deployment, Issue};
use model::MentionPlace::{Branch, Description, Title};

use super::super::env::{http, options};
use super::super::merges::{MERGE_REQUEST, approved, correcting, exception, jira, mark_in_jira, mention};
use super::{JiraEnv, done, done_at};

#[tokio::test]
async fn approved_merge_closes_and_comments_issue_once() {
    for deployment in [Deployment::Cloud, Deployment::DataCenter] {
        let mut env = JiraEnv::open().await;
        if deployment == Deployment::DataCenter {
            env.double.world(|world| {
                world.deployment = deployment;
                world.credentials = Some("pat".to_owned());
            });
            let credential = AtlassianCredential::AccessToken {
                access_token: "pat".into(),
            };
            env.client = Jira::new(http(&options()).0, &env.double.url(), credential).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(
                env.mark(&approved("PAY-7")).await.unwrap(),
                Some(done()),
                "{deployment:?}"
            );
        }
        let issue = env.issue();
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
            env.changes(),
            ["PAY-7", "remotelink", "comment", "transitions"],
            "closed last"
        );
    }
}

#[tokio::test]
async fn exception_issue_stays_open_unless_rules_close_it() {
    let env = JiraEnv::open().await;
    env.mark(&exception("PAY-7")).await.unwrap();
    let issue = env.issue();
    assert_eq!(issue.status, "In Progress");
    assert_eq!(issue.labels, ["audit-exception", "backend"]);
    assert!(
        issue.comments[0].body.contains("No approval was given."),
        "{:?}",
        issue.comments
    );

    let mut closing = jira();
    closing.tracking.close_exceptions = true;
    let env = JiraEnv::open().await;
    mark_in_jira(&env.client, &exception("PAY-7"), &closing, false)
        .await
        .unwrap();
    assert_eq!(env.issue().status, "Done");
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
        let env = JiraEnv::open().await;
        env.double.world(|world| {
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
        let expected = expected.map(done_at);
        assert_eq!(env.mark(&merge).await.unwrap(), expected, "{mentions:?}");
    }
}

#[tokio::test]
async fn correction_removes_our_wrong_label() {
    let env = JiraEnv::open().await;
    env.mark(&exception("PAY-7")).await.unwrap();
    for _ in 0..2 {
        env.mark(&correcting(approved("PAY-7"))).await.unwrap();
    }
    let issue = env.issue();
    assert_eq!(
        (issue.status.as_str(), issue.labels),
        ("Done", vec!["audited".to_owned(), "backend".to_owned()])
    );
    assert_eq!((issue.comments.len(), issue.remote_links.len()), (2, 1));
}

#[tokio::test]
async fn unlinkable_issue_gets_everything_except_the_link() {
    let env = JiraEnv::open().await;
    env.double
        .world(|world| world.issues.get_mut("PAY-7").unwrap().linkable = false);
    assert_eq!(env.mark(&approved("PAY-7")).await.unwrap(), Some(done()));
    let issue = env.issue();
    assert_eq!(
        (issue.status.as_str(), issue.comments.len(), issue.remote_links.len()),
        ("Done", 1, 0)
    );
}
