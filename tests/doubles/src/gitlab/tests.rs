//! GitLab's behaviour over HTTP.

mod access;
mod lists;
mod merge_requests;
mod world;

use serde_json::json;

use super::{GitLabDouble, start};
use crate::loopback::{Reply, send};

const TOKEN: (&str, &str) = ("PRIVATE-TOKEN", "glpat-test");

fn get(gitlab: &GitLabDouble, path: &str) -> Reply {
    send(&gitlab.url(), "GET", &format!("/api/v4/{path}"), &[TOKEN], "")
}

fn ids(reply: &Reply) -> Vec<u64> {
    reply
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_u64().unwrap())
        .collect()
}

/// A GitLab with the merged, approved, labelled merge request 77!12.
async fn with_merge_request() -> GitLabDouble {
    let gitlab = start().await;
    gitlab.world(|world| {
        world.user(601, "dev-dana");
        world.projects.entry(77).or_default().path_with_namespace = "payments/gateway".to_owned();
        world
            .merge_request(77, 12)
            .set("title", "Rotate the signing keys")
            .set("author", 601)
            .set("labels", json!(["security::high"]))
            .set("sha", "5f1c".repeat(10))
            .merged(602, "2026-03-02T10:15:00.000Z")
            .approved(501, "2026-03-02T10:00:00.000Z")
            .label_event("add", "security::high", 601, "2026-03-01T09:00:00.000Z")
            .version(&"a".repeat(40), &"1".repeat(40), "2026-03-01T08:00:00.000Z")
            .version(&"5f1c".repeat(10), &"2".repeat(40), "2026-03-01T10:00:00.000Z")
            .reviewer(501);
    });
    gitlab
}
