//! One project, its people, and deliveries like those of a GitLab without `actioned_at`.

use doubles::gitlab as double;
use doubles::payload::MergeRequest;
use jiff::tz::{TimeZone, offset};
use serde_json::{Value, json};

use crate::env::{ALICE, TestEnv, at};

pub(super) const LEDGER: u64 = 4411;
/// Writes the merge requests.
pub(super) const NOOR: u64 = 301;
/// Merges them.
pub(super) const IVO: u64 = 302;
/// Not a direct member of the security team.
pub(super) const TARA: u64 = 303;

/// A merge request of Noor's with these labels.
pub(super) fn mr(iid: u64, labels: &[&str]) -> MergeRequest {
    MergeRequest {
        project: LEDGER,
        author: NOOR,
        head: "7c".repeat(20),
        ..MergeRequest::new(LEDGER, iid, labels)
    }
}

/// A label as deliveries show it.
pub(super) fn label(id: usize, title: &str) -> Value {
    json!({
        "id": id, "title": title, "color": "#336699", "project_id": null, "created_at": "2025-06-01 09:00:00 +0100",
        "updated_at": "2025-06-01 09:00:00 +0100", "template": false, "description": null, "type": "GroupLabel", "group_id": 19,
    })
}

/// A delivery about an act of `actor` on the day of the merge.
pub(super) fn hook(mr: &MergeRequest, action: &str, actor: u64, time: &str) -> Value {
    let written = at(time).to_zoned(TimeZone::fixed(offset(1)));
    let merged = action == "merge";
    let labels: Vec<_> = (700..).zip(&mr.labels).map(|(id, title)| label(id, title)).collect();
    let mut project = json!({
        "name": "ledger", "description": null, "web_url": "https://git.harbour.example/tide/ledger", "avatar_url": null,
        "namespace": "tide", "visibility_level": 0, "path_with_namespace": "tide/ledger", "default_branch": "main",
    });
    project["id"] = json!(mr.project);
    json!({
        "object_kind": "merge_request", "event_type": "merge_request", "project": project,
        "user": {"id": actor, "name": username(actor), "username": username(actor), "avatar_url": null, "email": "[REDACTED]"},
        "object_attributes": {
            "id": 441_100 + mr.iid, "iid": mr.iid, "action": action, "author_id": mr.author, "title": "Move the tide tables",
            "description": "Moves them.", "state": if merged { "merged" } else { "opened" }, "state_id": if merged { 3 } else { 1 },
            "created_at": "2026-03-01 09:00:00 +0100", "updated_at": written.strftime("%Y-%m-%d %H:%M:%S %z").to_string(),
            "updated_by_id": actor, "detailed_merge_status": if merged { "not_open" } else { "mergeable" }, "labels": labels,
            "last_commit": {"id": mr.head, "message": "Move\n", "title": "Move", "author": {"name": "Noor", "email": "[REDACTED]"}},
            "merge_commit_sha": merged.then(|| "e2".repeat(20)), "merge_user_id": null, "merge_status": "can_be_merged",
            "merge_params": {"force_remove_source_branch": "1"}, "merge_when_pipeline_succeeds": false, "reviewer_ids": [],
            "source": project, "source_branch": "tables", "source_project_id": mr.project, "system": false,
            "target": project, "target_branch": "main", "target_project_id": mr.project,
            "url": format!("https://git.harbour.example/tide/ledger/-/merge_requests/{}", mr.iid),
        },
        "labels": labels,
        "changes": if merged { json!({"state_id": {"previous": 1, "current": 3}}) } else { json!({}) },
        "repository": {"name": "ledger", "url": "git@git.harbour.example:tide/ledger.git", "description": null},
    })
}

/// GitLab shows it: merged by Ivo at noon, its labels added in the morning.
pub(super) fn shows(env: &TestEnv, mr: &MergeRequest, change: impl FnOnce(&mut double::MergeRequest)) {
    env.gitlab().world(|shown| {
        for id in [NOOR, IVO, TARA] {
            shown.user(id, username(id));
        }
        shown.merge_request(mr.project, mr.iid);
        let project = shown.projects.get_mut(&mr.project).unwrap();
        "tide/ledger".clone_into(&mut project.path_with_namespace);
    });
    env.merged(mr, |shown| {
        shown.merged(IVO, "2026-03-02T12:00:00.000Z");
        for title in &mr.labels {
            shown.label_event("add", title, NOOR, "2026-03-02T08:30:00.000Z");
        }
        change(shown);
    });
}

/// Not merged yet.
pub(super) fn open(shown: &mut double::MergeRequest) {
    for field in ["merged_at", "merge_user"] {
        shown.set(field, Value::Null);
    }
    shown.set("state", "opened");
}

/// The only row of a table about a merge request.
pub(super) async fn row(env: &TestEnv, table: &str, mr: &MergeRequest) -> Value {
    let sql = format!(
        "SELECT to_jsonb(t) FROM {table} t WHERE project_id = {} AND mr_iid = {}",
        mr.project, mr.iid
    );
    let rows = env.auditor().query_typed(&sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 1, "{table}");
    rows[0].get(0)
}

/// Kind of the open exception.
pub(super) async fn kind(env: &TestEnv, mr: &MergeRequest) -> Option<String> {
    let exception = env.exception(mr).await;
    exception.filter(|(_, status)| status == "open").map(|(kind, _)| kind)
}

/// Deliveries that could not be read.
pub(super) async fn quarantined(env: &TestEnv) -> i64 {
    let sql = "SELECT count(*) FROM quarantined_deliveries";
    env.value(sql).await
}

fn username(id: u64) -> &'static str {
    match id {
        NOOR => "noor",
        IVO => "ivo",
        TARA => "tara",
        ALICE => "sec-alice",
        _ => panic!("no person of this project has the id {id}"),
    }
}
