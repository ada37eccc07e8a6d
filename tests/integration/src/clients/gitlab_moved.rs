//! A renamed project: GitLab's redirect is followed once, and the token is sent nowhere else.

use audit::FailureClass;
use clients::Advice;
use doubles::Stub;

use super::env::{GitLabEnv, context, key, path};

/// A redirect from the merge request's label events to `location`.
fn moved(location: &str) -> Stub {
    let text = format!("This resource has been moved permanently to {location}");
    Stub::answering("GET", &path("/resource_label_events"), 301, text).header("location", location)
}

#[tokio::test]
async fn moved_project_is_followed_on_same_origin() {
    for absolute in [false, true] {
        let env = GitLabEnv::open().await;
        env.double.world(|world| {
            let project = world.projects[&77].clone();
            world.projects.insert(78, project);
        });
        let new = "/api/v4/projects/78/merge_requests/12/resource_label_events?per_page=100";
        let location = if absolute {
            format!("{}{new}", env.double.url())
        } else {
            new.to_owned()
        };
        env.double.stub(moved(&location)).unwrap();
        let events = env.client.label_events(&context(), &key()).await.unwrap();
        assert_eq!(events.known().map(Vec::len), Some(1));
        let statuses: Vec<_> = env
            .entries()
            .iter()
            .map(|entry| entry["details"]["http_status"].clone())
            .collect();
        assert_eq!(statuses, [301, 200], "both requests are in the audit log");
    }
}

#[tokio::test]
async fn a_second_redirect_is_not_followed() {
    let env = GitLabEnv::with(&moved(&path("/resource_label_events"))).await;
    let error = env.client.label_events(&context(), &key()).await.unwrap_err();
    assert_eq!(
        (error.class, error.http_status),
        (FailureClass::InvalidResponse, Some(301))
    );
    assert_eq!(env.entries().len(), 2);
}

#[tokio::test]
async fn redirect_to_other_origin_is_not_followed() {
    let other = GitLabEnv::open().await;
    let elsewhere = format!("{}{}", other.double.url(), path("/resource_label_events"));
    let port = elsewhere.replace("127.0.0.1", "localhost");
    for location in [
        elsewhere.as_str(),
        port.as_str(),
        "/users/sign_in",
        "https://evil.example/api/v4/",
        "http://[",
        "//evil.example/api/v4/",
    ] {
        let env = GitLabEnv::with(&moved(location)).await;
        let error = env.client.label_events(&context(), &key()).await.unwrap_err();
        assert_eq!(
            (error.class, error.advice),
            (FailureClass::InvalidResponse, Advice::Permanent),
            "{location}"
        );
        assert_eq!(env.entries().len(), 1, "{location}");
    }
    assert!(other.double.requests().is_empty());
}
