//! Finding, marking and closing the issue: its comment, labels and attachment.

use clients::linear::{Linear, LinearCredential};
use clients::{MergeSummary, Tracked};
use doubles::linear as double;
use model::MentionPlace::{Branch, Description, Title};

use super::super::env::{http, options};
use super::super::merges::{MERGE_REQUEST, approved, linear, mark_in_linear, mention};
use super::{LinearEnv, done, done_at};

#[tokio::test]
async fn approved_merge_closes_and_comments_issue_once() {
    let env = LinearEnv::open().await;
    for _ in 0..3 {
        assert_eq!(env.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
    }
    let issue = env.issue();
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
        env.changes(),
        4,
        "attached, commented, a label created, updated: once each"
    );
    assert_eq!(env.double.labels(Some("ENG")), ["audited", "backend"]);
}

#[tokio::test]
async fn ended_issue_keeps_its_state() {
    for state in ["Done", "Canceled", "Duplicate"] {
        let env = LinearEnv::open().await;
        env.double
            .world(|world| world.issue("ENG-123", "x").state = state.to_owned());
        assert_eq!(env.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
        assert_eq!(env.issue().state, state);
        assert_eq!(env.issue().labels, ["audited", "backend"]);
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
        let env = LinearEnv::open().await;
        env.double.world(|world| {
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
        let expected = expected.map(done_at);
        assert_eq!(env.mark(&merge).await.unwrap(), expected, "{mentions:?} {attached:?}");
    }
}

#[tokio::test]
async fn existing_label_is_reused_regardless_of_case() {
    for (team, name) in [(Some("ENG"), "Audited"), (None, "AUDITED")] {
        let env = LinearEnv::open().await;
        env.double.world(|world| world.label(team, name));
        env.mark(&approved("ENG-123")).await.unwrap();
        let labels = env.issue().labels;
        assert!(labels.contains(&name.to_owned()), "{labels:?}");
        assert!(
            !env.double
                .requests()
                .iter()
                .any(|request| request.body.to_string().contains("issueLabelCreate"))
        );
    }
    // A label of another team cannot be put on this issue.
    let env = LinearEnv::open().await;
    env.double.world(|world| {
        world.team("OPS", "Operations");
        world.label(Some("OPS"), "audited");
    });
    env.mark(&approved("ENG-123")).await.unwrap();
    assert_eq!(env.double.labels(Some("ENG")), ["audited", "backend"]);
}

#[tokio::test]
async fn retired_issue_is_left_unchanged_without_error() {
    let env = LinearEnv::open().await;
    env.double.world(|world| {
        world.issue("ENG-123", "x").archived_at = Some("2026-03-01T10:00:00.000Z".to_owned());
    });
    assert_eq!(env.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
    assert_eq!(env.changes(), 0);
}

#[tokio::test]
async fn comment_moved_elsewhere_counts_as_posted() {
    let env = LinearEnv::open().await;
    env.mark(&approved("ENG-123")).await.unwrap();
    // Another user moved it to another issue; this one still needs its label.
    env.double.world(|world| {
        let comments = std::mem::take(&mut world.issue("ENG-123", "x").comments);
        world.issue("ENG-9", "other").comments = comments;
        world.issue("ENG-123", "x").labels.clear();
    });
    assert_eq!(env.mark(&approved("ENG-123")).await.unwrap(), Some(done()));
    assert_eq!(env.issue().labels, ["audited"]);
}

#[tokio::test]
async fn looking_changes_nothing_and_detects_completion() {
    let env = LinearEnv::open().await;
    let look = async || {
        let (merge, settings) = (approved("ENG-123"), linear());
        mark_in_linear(&env.client, &merge, &settings, true).await.unwrap()
    };
    assert_eq!(look().await, Some(("ENG-123".to_owned(), Tracked::Missing)));
    assert_eq!(env.changes(), 0);
    env.mark(&approved("ENG-123")).await.unwrap();
    assert_eq!(look().await, Some(done()));
}

#[tokio::test]
async fn application_token_is_sent_as_bearer_token() {
    let env = LinearEnv::open().await;
    env.double.world(|world| world.token = Some("oauth-token".to_owned()));
    let credential = LinearCredential::AccessToken("oauth-token".into());
    let client = Linear::new(http(&options()).0, &env.double.url(), credential).unwrap();
    let marked = mark_in_linear(&client, &approved("ENG-123"), &linear(), false).await;
    assert_eq!(marked.unwrap(), Some(done()));
    assert_eq!(env.double.requests()[0].headers["authorization"], "Bearer oauth-token");
}
