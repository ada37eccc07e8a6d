"""`make run`: sends the samples, prints each result with its reasons, and compares it with the expected one."""

import json
import signal
import threading
import time

from . import agent_story, audit_log, countersign, doubles, postgres, samples, slack_message, trackers
from .paths import LOGS, STACK, shown
from .progress import Failure, complain, say, until

# How long a verdict may take, in seconds; usually one, more on a busy machine.
PATIENCE = 30


def run(once: bool, up, down) -> int:
    """Starts the stack and runs all samples; 1 if a result is not as expected."""
    stack = up()
    try:
        wrong = show(stack)
    except Failure as failure:
        complain(str(failure))
        wrong = ["the samples were aborted"]
    if wrong:
        complain("Not as expected:\n" + "\n".join(f"  - {text}" for text in wrong) + f"\nLogs: {shown(LOGS)}")
    else:
        say("\nAll results are as expected.")
    if not once:
        _listening(stack)
        _wait_for_interrupt()
    down()
    return 1 if wrong else 0


def show(stack: dict) -> list[str]:
    """Sends every sample and prints its result; returns those that are not as expected."""
    highest = f"SELECT coalesce(max(mr_iid), 810) FROM merge_request_events WHERE project_id = {samples.PROJECT['id']}"
    # The forged delivery leaves no row, so its number is not used again.
    chosen = samples.all_samples(int(postgres.query(stack["database_url"], highest)) + 1)
    doubles.set_world(stack["gitlab_url"], samples.world(chosen))
    doubles.set_world(stack["linear_url"], samples.issues(chosen))
    wrong = []
    say("\nSample merge requests (each delivery is signed as GitLab 19 does it):\n")
    for number, sample in enumerate(chosen, 1):
        say(f"{number}. {sample.name} \"{sample.title}\", label {sample.label}: {sample.claim}")
        started = time.monotonic()
        for payload in samples.deliveries(sample):
            status, answer = samples.send(stack, payload, forged=sample.forged)
            reason = f" ({answer['reason']})" if answer.get("reason") else ""
            say(f"   delivery \"{payload['object_attributes']['action']}\" -> HTTP {status} {answer.get('status', '')}{reason}")
            if status != (401 if sample.forged else 202):
                wrong.append(f"{sample.name}: unexpected answer {status} {answer}")
        wrong += _forged(stack, sample) if sample.forged else _verdict(stack, sample, started)
        say()
    wrong += _exception_and_message(stack, chosen[0])
    wrong += trackers.show(stack, chosen)
    audit_log.show(stack, chosen[0].name, _row(stack, "security_review_exceptions", chosen[0])["correlation_id"])
    wrong += agent_story.show(stack, chosen[2].iid)
    return wrong


def _verdict(stack: dict, sample: samples.Sample, started: float) -> list[str]:
    expected = "approved" if sample.approved else "exception" if sample.label.startswith("sec") else "not_carried"
    decision = until(lambda: _row(stack, "security_review_decisions", sample, "stage = 'merge'"), PATIENCE, f"a decision on {sample.name}")
    seconds = time.monotonic() - started
    codes, notes = decision["reason_codes"], decision["notes"]
    proof = "GitLab's API and the event history" if decision["proof"] == "both" else "GitLab's API"
    why = {
        "approved": f"eligible approval before the merge, proven by {proof}",
        "not_carried": "no matching security label; no review required",
        "exception": "; ".join(reason["detail"] for reason in decision["reasons"]),
    }.get(decision["outcome"], "")
    outcome = decision["outcome"] + (f" ({', '.join(codes)})" if codes else "")
    say(f"   verdict after {seconds:.1f} s: {outcome}: {why}{_notes(notes)}")
    exception = _row(stack, "security_review_exceptions", sample)
    problems = [] if decision["outcome"] == expected else [f"{sample.name}: {decision['outcome']}, not {expected}"]
    if bool(exception) != (expected == "exception"):
        problems.append(f"{sample.name}: {'an unexpected' if exception else 'no'} exception row")
    return problems


def _notes(notes: list[str]) -> str:
    return f" [note: {', '.join(notes)}]" if notes else ""


def _forged(stack: dict, sample: samples.Sample) -> list[str]:
    found = [table for table in ("merge_request_events", "security_review_exceptions") if _row(stack, table, sample)]
    say("   rejected by the webhook: nothing queued, nothing stored; one audit entry records the reason")
    return [f"{sample.name}: a forged delivery left a row in {table}" for table in found]


def _exception_and_message(stack: dict, sample: samples.Sample) -> list[str]:
    row = _row(stack, "security_review_exceptions", sample)
    if not row:
        return []
    say(f"The exception of {sample.name}, a row of security_review_exceptions:\n")
    for column in ("id", "project_path", "mr_iid", "mr_title", "mr_url", "author_username", "merged_by_username", "labels",
                   "risk_tier", "kind", "reason_codes", "merged_at", "merge_commit_sha", "status", "recorded_at", "correlation_id"):
        value = row[column]
        say(f"   {column:20} {', '.join(value) if isinstance(value, list) else value}")
    messages = until(lambda: _messages(stack, row["id"]), PATIENCE, f"the Slack message about exception {row['id']}")
    say("\nThe Slack message:\n")
    say(slack_message.rendered(messages[0]))
    say("\nThe review ledger, with the state and the duration of each review:\n")
    countersign.show("ledger")
    say(f"\nWhy {sample.name} is an exception:\n")
    countersign.show("explain", f"{samples.PROJECT['id']}!{sample.iid}")
    return [] if len(messages) == 1 else [f"{sample.name}: {len(messages)} Slack messages instead of one"]


def _messages(stack: dict, exception_id: str) -> list[dict]:
    posts = (seen["body"] for seen in doubles.requests(stack["slack_url"]) if seen["path"].endswith("/chat.postMessage"))
    return [body for body in posts if exception_id in json.dumps(body)]


def _row(stack: dict, table: str, sample: samples.Sample, also: str = "true") -> dict | None:
    where = f"project_id = {samples.PROJECT['id']} AND mr_iid = {sample.iid} AND {also}"
    text = postgres.query(stack["database_url"], f"SELECT row_to_json(t) FROM {table} t WHERE {where} LIMIT 1")
    return json.loads(text) if text else None


def _listening(stack: dict) -> None:
    say("\nThe stack listens on this machine only:")
    rows = {
        "webhook": f"{stack['webhook_url']}   (Host: {stack['host_header']})", "AWS emulator": stack["aws_endpoint"],
        "GitLab double": f"{stack['gitlab_url']}/_double/requests", "Slack double": f"{stack['slack_url']}/_double/requests",
        "Linear double": f"{stack['linear_url']}/_double/world", "Jira double": f"{stack['jira_url']}/_double/world",
        "Confluence": f"{stack['confluence_url']}/_double/world", "SIEM double": f"{stack['siem_url']}/_double/requests", "audit file": stack["audit_file"],
        "database": "psql with database_url, read-only", "everything": f"{shown(STACK)}, logs in {shown(LOGS)}",
    }
    for name, value in rows.items():
        say(f"   {name:14} {value}")
    say("\nCtrl-C stops everything.")


def _wait_for_interrupt() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(1):
        pass
    say()
