"""`make run`: sends the samples, shows what came of each and why, and judges whether that is what had to come."""

import json
import signal
import threading
import time

from . import archive, countersign, doubles, postgres, samples, slack_message, trail
from .paths import LOGS, STACK, shown
from .progress import Failure, complain, say, until

# How long a verdict may take; it takes about a second, more on a machine that is busy.
PATIENCE = 30


def run(once: bool, up, down) -> int:
    """Everything from nothing to the end of the sample; 1 if something expected did not happen."""
    stack = up()
    try:
        wrong = show(stack)
    except Failure as failure:
        complain(str(failure))
        wrong = ["the sample broke off"]
    if wrong:
        complain("Not as expected:\n" + "\n".join(f"  - {text}" for text in wrong) + f"\nLogs: {shown(LOGS)}")
    else:
        say("\nEverything came out as expected.")
    if not once:
        _listening(stack)
        _wait_for_interrupt()
    down()
    return 1 if wrong else 0


def show(stack: dict) -> list[str]:
    """Sends every sample and prints its fate; returns what was not as expected."""
    highest = f"SELECT coalesce(max(mr_iid), 810) FROM merge_request_events WHERE project_id = {samples.PROJECT['id']}"
    # The forged one leaves no row, so its number is skipped as well.
    chosen = samples.all_samples(int(postgres.query(stack["database_url"], highest)) + 1)
    doubles.set_world(stack["gitlab_url"], samples.world(chosen))
    doubles.set_world(stack["linear_url"], samples.issues(chosen))
    wrong = []
    say("\nSample deliveries, signed as GitLab 19 does:\n")
    for number, sample in enumerate(chosen, 1):
        say(f"{number}. {sample.name} \"{sample.title}\", label {sample.label}: {sample.claim}")
        started = time.monotonic()
        for payload in samples.deliveries(sample):
            status, answer = samples.send(stack, payload, forged=sample.forged)
            words = " ".join(str(answer[key]) for key in ("status", "reason") if answer.get(key))
            say(f"   {payload['object_attributes']['action']:8} -> {status} {words}")
            if status != (401 if sample.forged else 202):
                wrong.append(f"{sample.name}: answered {status} {answer}")
        wrong += _forged(stack, sample) if sample.forged else _verdict(stack, sample, started)
        say()
    wrong += _exception_and_message(stack, chosen[0])
    wrong += archive.show(stack, chosen)
    trail.tell(stack, _row(stack, "security_review_exceptions", chosen[0])["correlation_id"])
    return wrong


def _verdict(stack: dict, sample: samples.Sample, started: float) -> list[str]:
    expected = "approved" if sample.approved else "exception" if sample.label.startswith("sec") else "not_carried"
    decision = until(lambda: _row(stack, "security_review_decisions", sample, "stage = 'merge'"), PATIENCE, f"a decision about {sample.name}")
    seconds = time.monotonic() - started
    codes, notes = decision["reason_codes"], decision["notes"]
    proof = "GitLab's API and the history" if decision["proof"] == "both" else "GitLab's API"
    why = {
        "approved": f"an eligible approver approved before the merge, proven by {proof}",
        "not_carried": "it carries no label that the rules watch, so nothing is asked of it",
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
    return f" [{', '.join(notes)}]" if notes else ""


def _forged(stack: dict, sample: samples.Sample) -> list[str]:
    found = [table for table in ("merge_request_events", "security_review_exceptions") if _row(stack, table, sample)]
    say("   refused at the door: nothing queued, nothing stored, one audit line with the reason")
    return [f"{sample.name}: a forged delivery left a row in {table}" for table in found]


def _exception_and_message(stack: dict, sample: samples.Sample) -> list[str]:
    row = _row(stack, "security_review_exceptions", sample)
    if not row:
        return []
    say(f"The row in security_review_exceptions of {sample.name}:\n")
    for column in ("id", "project_path", "mr_iid", "mr_title", "mr_url", "author_username", "merged_by_username", "labels",
                   "risk_tier", "kind", "reason_codes", "merged_at", "merge_commit_sha", "status", "recorded_at", "correlation_id"):
        value = row[column]
        say(f"   {column:20} {', '.join(value) if isinstance(value, list) else value}")
    messages = until(lambda: _messages(stack, row["id"]), PATIENCE, f"the Slack message about exception {row['id']}")
    say("\nThe message in Slack:\n")
    say(slack_message.rendered(messages[0]))
    say("\nThe ledger: where each review stands, and how long it took:\n")
    countersign.show("ledger")
    say(f"\nWhy {sample.name} is an exception:\n")
    countersign.show("explain", f"{samples.PROJECT['id']}!{sample.iid}")
    return [] if len(messages) == 1 else [f"{len(messages)} Slack messages instead of one"]


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
        "database": "psql with database_url, read only", "all of it": f"{shown(STACK)}, logs in {shown(LOGS)}",
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
