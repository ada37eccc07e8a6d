"""Four merge requests as GitLab 19 reports them: webhook payloads and API answers."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

PROJECT = {"id": 7301, "name": "gateway", "path_with_namespace": "payments/gateway",
           "web_url": "https://gitlab.example.com/payments/gateway", "namespace": "Payments", "default_branch": "main"}
PEOPLE = {601: ("dpark", "Dana Park"), 602: ("mlopez", "Mara Lopez"), 501: ("sec-alice", "Alice Sandoval")}
AUTHOR, MERGER, APPROVER = 601, 602, 501
LABEL_IDS = {"security::high": 9101, "sec/critical": 9102, "enhancement": 9103}


@dataclass
class Sample:
    """One merge request and the expected result."""

    iid: int
    title: str
    label: str
    claim: str
    approved: bool = False
    forged: bool = False
    merged_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def name(self) -> str:
        return f"{PROJECT['path_with_namespace']}!{self.iid}"

    @property
    def issue(self) -> str:
        """The issue in Linear that its branch names."""
        return f"ENG-{self.iid}"

    @property
    def url(self) -> str:
        return f"{PROJECT['web_url']}/-/merge_requests/{self.iid}"


def all_samples(after: int) -> list[Sample]:
    """The samples, with iids above `after`: a merge request merges once, so a second run needs others."""
    return [
        Sample(after + 1, "Rotate the signing keys", "security::high", "merged without approval"),
        Sample(after + 2, "Pin the TLS certificates", "sec/critical", "approved by the security team, then merged", approved=True),
        Sample(after + 3, "Show the amount in bold", "enhancement", "no security label"),
        Sample(after + 4, "Disable the audit log", "security::high", "forged delivery, signed with a wrong key", forged=True),
    ]


def world(samples: list[Sample]) -> dict:
    """The merge patch that adds the samples to the GitLab double."""
    requests = {}
    for sample in samples:
        labelled = sample.merged_at - timedelta(days=1)
        head = _sha(f"head {sample.iid}")
        requests[str(sample.iid)] = {
            "source_branch": f"dpark/{sample.issue.lower()}-{sample.iid}", "title": sample.title, "state": "merged", "labels": [sample.label], "author": AUTHOR, "merge_user": MERGER,
            "merged_at": _precise(sample.merged_at), "sha": head, "merge_commit_sha": _sha(f"merge {sample.iid}"),
            "approved_by": [{"user": APPROVER, "approved_at": _precise(_approval_time(sample))}] if sample.approved else [],
            "label_events": [{"label": sample.label, "action": "add", "user": AUTHOR, "created_at": _precise(labelled)}],
            "versions": [{"head_commit_sha": head, "patch_id_sha": _sha(f"patch {sample.iid}"), "created_at": _precise(labelled)}],
            "reviewers": [APPROVER],
        }
    users = {str(number): {"username": user, "name": name} for number, (user, name) in PEOPLE.items()}
    path = PROJECT["path_with_namespace"]
    return {"users": users, "projects": {str(PROJECT["id"]): {"path_with_namespace": path, "merge_requests": requests}}}


def issues(samples: list[Sample]) -> dict:
    """The merge patch that adds an issue for each sample to the Linear double."""
    return {"issues": {sample.issue: {"title": sample.title, "state": "In Progress"} for sample in samples}}


def deliveries(sample: Sample) -> list[dict]:
    """The deliveries that GitLab sends for a sample, in order."""
    approval = [_payload(sample, "approved", APPROVER, _approval_time(sample))] if sample.approved else []
    return [*approval, _payload(sample, "merge", MERGER, sample.merged_at)]


def send(stack: dict, payload: dict, forged: bool = False) -> tuple[int, dict]:
    """Sends a payload, signed as https://www.standardwebhooks.com specifies; returns status and answer."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    key = b"a key that GitLab never had 32 b" if forged else base64.b64decode(stack["signing_token"].removeprefix("whsec_"))
    identifier, now = str(uuid.uuid4()), str(int(time.time()))
    mac = hmac.new(key, f"{identifier}.{now}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "Host": stack["host_header"], "Content-Type": "application/json", "User-Agent": "GitLab/19.1.0",
        "X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Instance": "https://gitlab.example.com",
        "X-Gitlab-Event-UUID": str(uuid.uuid4()), "X-Gitlab-Webhook-UUID": str(uuid.uuid4()), "Idempotency-Key": identifier,
        "webhook-id": identifier, "webhook-timestamp": now, "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
    request = urllib.request.Request(stack["webhook_url"], data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, _json(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, _json(error.read())


def _payload(sample: Sample, action: str, actor: int, when: datetime) -> dict:
    """A merge request event as in https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events."""
    merged = action == "merge"
    created = _zoned(sample.merged_at - timedelta(days=2))
    label = {"id": LABEL_IDS[sample.label], "title": sample.label, "color": "#d9534f", "project_id": PROJECT["id"],
             "created_at": "2026-01-12 09:30:00 UTC", "updated_at": "2026-01-12 09:30:00 UTC", "template": False,
             "description": None, "type": "ProjectLabel", "group_id": None}
    head, merge_commit = _sha(f"head {sample.iid}"), _sha(f"merge {sample.iid}") if merged else None
    username, name = PEOPLE[actor]
    state = {"merge_commit_sha": {"previous": None, "current": merge_commit}, "state_id": {"previous": 1, "current": 3}}
    return {
        "object_kind": "merge_request", "event_type": "merge_request",
        "user": {"id": actor, "name": name, "username": username, "avatar_url": None, "email": "[REDACTED]"},
        "project": PROJECT,
        "object_attributes": {
            "id": 4_000_000 + sample.iid, "iid": sample.iid, "title": sample.title, "description": "", "draft": False,
            "action": action, "actioned_at": _zoned(when),
            "state": "merged" if merged else "opened", "state_id": 3 if merged else 1,
            "author_id": AUTHOR, "created_at": created, "updated_at": _zoned(when), "source_branch": f"change-{sample.iid}",
            "target_branch": "main", "source_project_id": PROJECT["id"], "target_project_id": PROJECT["id"],
            "last_commit": {"id": head, "message": sample.title, "title": sample.title, "timestamp": sample.merged_at.isoformat(),
                            "url": f"{PROJECT['web_url']}/-/commit/{head}", "author": {"name": "Dana Park", "email": "[REDACTED]"}},
            "merge_commit_sha": merge_commit, "merge_user_id": None, "merge_status": "can_be_merged",
            "detailed_merge_status": "not_open" if merged else "mergeable", "labels": [label], "reviewer_ids": [APPROVER],
            "assignee_ids": [], "blocking_discussions_resolved": True, "system": False, "approval_rules": [], "url": sample.url,
            "source": PROJECT, "target": PROJECT,
        },
        "labels": [label], "changes": state if merged else {},
        "reviewers": [{"id": APPROVER, "name": PEOPLE[APPROVER][1], "username": PEOPLE[APPROVER][0], "state": "unreviewed"}],
        "repository": {"name": PROJECT["name"], "homepage": PROJECT["web_url"]},
    }


def _approval_time(sample: Sample) -> datetime:
    return sample.merged_at - timedelta(hours=2)


def _zoned(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S UTC")


def _precise(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _sha(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _json(text: bytes) -> dict:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"answer": text.decode(errors="replace")[:200]}
