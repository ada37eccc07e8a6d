"""One story of a coding service: a comment with a command, the service's own entries, its gate decision, and the push."""

import hashlib
import json
import time
import urllib.request
import uuid

from . import countersign, postgres, samples
from .progress import say, until

SERVICE = "gitlab-copilot-agent"
# What the service reports, in its order, each with what it acted on.
STEPS = ("copilot.task.started", "gitlab.api.clone_repo", "copilot.sdk.coding_request", "copilot.patch.generated",
         "copilot.patch.validated", "copilot.gate.approved", "gitlab.api.push_branch")
# How long the entries may take to be stored, in seconds.
PATIENCE = 60


def show(stack: dict, iid: int) -> list[str]:
    """Plays the story and prints it as one trace; returns what is not as expected."""
    note = int(time.time() * 1000)
    commit = hashlib.sha1(str(note).encode(), usedforsecurity=False).hexdigest()
    say(f"\nA command in a comment on {samples.PROJECT['path_with_namespace']}!{iid}, what the coding service does, and its push:\n")
    wrong = []
    for name, payload in (("comment /copilot fix", _note(note, iid)), ("push", _push(commit))):
        if name == "push":
            answer = _send_entries(stack, command_correlation(stack["instance"], note), iid, commit)
            say(f"   {len(STEPS)} entries of {SERVICE} -> accepted {answer['accepted']}, rejected {len(answer['rejected'])}")
            wrong += [f"the entries of {SERVICE}: {answer}"] if answer["accepted"] != len(STEPS) else []
        status, answer = samples.send(stack, payload)
        say(f"   delivery \"{name}\" -> HTTP {status} {answer.get('status', '')}")
        wrong += [f"{name}: unexpected answer {status} {answer}"] if status != 202 else []
    correlation = command_correlation(stack["instance"], note)
    stored = f"""SELECT (SELECT count(*) FROM audit_events WHERE correlation_id = '{correlation}')
        + (SELECT count(*) FROM audit_events WHERE action = 'git.push.received' AND details ->> 'after' = '{commit}')"""
    until(lambda: int(postgres.query(stack["database_url"], stored)) == len(STEPS) + 2, PATIENCE, "the entries of the coding service", every=0.3)
    say(f"\nFrom the comment to the push, found by GitLab's id of the comment ({note}):\n")
    countersign.show("trace", str(note))
    return wrong


def command_correlation(instance: str, note: int) -> str:
    """The correlation id of the commands in a comment, as docs/reference/producers.md defines it."""
    digest = bytearray(hashlib.sha256(f"countersign/command/{instance}/{note}".encode()).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def _send_entries(stack: dict, correlation: str, iid: int, commit: str) -> dict:
    """What the service sends in one request, with its key."""
    target = {"resource_type": "merge_request", "instance": stack["instance"], "project_id": samples.PROJECT["id"], "mr_iid": iid}
    first = time.time_ns() // 1_000_000
    entries = [_entry(first + number, action, correlation, target, commit) for number, action in enumerate(STEPS)]
    headers = {"Host": stack["host_header"], "Content-Type": "application/json", "Authorization": "Bearer " + stack["producer_key"]}
    request = urllib.request.Request(stack["audit_events_url"], data=json.dumps(entries).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _entry(ms: int, action: str, correlation: str, target: dict, commit: str) -> dict:
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}Z"
    random = uuid.uuid4().int & (0xFFF << 64 | (1 << 62) - 1)
    details = {"after": commit, "ref": "refs/heads/fix"} if action == "gitlab.api.push_branch" else {}
    return {"timestamp": at, "event_type": "audit", "action": action, "actor": {"type": "webhook_event", "id": correlation}, "target": target,
            "outcome": "success", "correlation_id": correlation, "service": SERVICE, "id": str(uuid.UUID(int=ms << 80 | 7 << 76 | 2 << 62 | random)),
            "details": details}


def _note(note: int, iid: int) -> dict:
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    username, name = samples.PEOPLE[samples.AUTHOR]
    return {
        "object_kind": "note", "event_type": "note", "user": {"id": samples.AUTHOR, "name": name, "username": username},
        "project_id": samples.PROJECT["id"], "project": samples.PROJECT,
        "object_attributes": {"id": note, "note": "Nearly there.\n/copilot fix the failing test", "noteable_type": "MergeRequest", "action": "create",
                              "author_id": samples.AUTHOR, "system": False, "internal": False, "created_at": at, "updated_at": at},
        "merge_request": {"id": 4_000_000 + iid, "iid": iid},
    }


def _push(commit: str) -> dict:
    return {
        "object_kind": "push", "event_name": "push", "before": "0" * 40, "after": commit, "ref": "refs/heads/fix", "user_id": 777,
        "user_username": "copilot-agent", "project_id": samples.PROJECT["id"], "project": samples.PROJECT, "commits": [], "total_commits_count": 1,
    }
