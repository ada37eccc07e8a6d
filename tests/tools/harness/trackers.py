"""Results of the samples in Linear, Confluence and the pod's channel."""

import hashlib
import html
import json
import re

from . import countersign, doubles, postgres, samples, slack_message
from .progress import say, until

# How long the effects of a merge may take, in seconds; usually one, more on a busy machine.
PATIENCE = 30


def show(stack: dict, chosen: list[samples.Sample]) -> list[str]:
    """Prints the results; returns those that are not as expected."""
    exception, approved = chosen[0], chosen[1]
    until(lambda: _ended(stack, [exception.iid, approved.iid]), PATIENCE, "the effects of the samples")
    say("\nThe issues in Linear: closed and labelled after an approval, left open and labelled after an exception:\n")
    world = doubles.world(stack["linear_url"])
    wrong = []
    for sample, state, label in ((approved, "Done", "audited"), (exception, "In Progress", "audit-exception")):
        issue = world["issues"][sample.issue]
        labels = [world["labels"][number]["name"] for number in issue["labels"]]
        say(f"   {sample.issue:8} {issue['state']:12} {', '.join(labels):16} {len(issue['comments'])} comment, {len(issue['attachments'])} link")
        if (issue["state"], labels, len(issue["comments"]), len(issue["attachments"])) != (state, [label], 1, 1):
            wrong.append(f"{sample.issue} is {issue}")
    say("\nThe audit page in Confluence:\n")
    for row in _rows(stack):
        say("   " + " | ".join(row))
    for sample in (exception, approved):
        if sum(sample.name in row[0] for row in _rows(stack)) != 1:
            wrong.append(f"{sample.name} does not have exactly one row on the audit page")
    say("\nThe Slack confirmation in the pod's channel:\n")
    confirmations = [body for body in _confirmations(stack) if body["metadata"]["event_payload"]["mr_iid"] == approved.iid]
    say(slack_message.rendered(confirmations[0]) if confirmations else "   none")
    if len(confirmations) != 1:
        wrong.append(f"{len(confirmations)} confirmations of {approved.name} instead of one")
    say(f"\nThe effects of {approved.name}, and the evidence of its decision:\n")
    name = f"{samples.PROJECT['id']}!{approved.iid}"
    countersign.show("effects", "--merge-request", name)
    digest = hashlib.sha256(countersign.output("evidence", name)).hexdigest()
    say(f"\n   $ target/debug/countersign evidence '{name}' | sha256sum\n\n   {digest}  -\n")
    kept = postgres.query(stack["database_url"], f"SELECT evidence_sha256 FROM security_review_ledger WHERE mr_iid = {approved.iid}")
    if digest != kept:
        wrong.append(f"the ledger names evidence {kept}, but the printed evidence has SHA-256 {digest}")
    return wrong


def _ended(stack: dict, iids: list[int]) -> bool:
    numbers = ", ".join(str(iid) for iid in iids)
    open_ones = postgres.query(stack["database_url"], f"SELECT count(*) FROM effects WHERE mr_iid IN ({numbers}) AND state <> 'done'")
    return int(open_ones) == 0


def _rows(stack: dict) -> list[list[str]]:
    """The first four cells of each row, as text."""
    pages = doubles.world(stack["confluence_url"])["pages"].values()
    rows = []
    for page in pages:
        for row in re.findall(r"<tr>(.*?)</tr>", page["body"]):
            cells = re.findall(r"<t[dh]>(.*?)</t[dh]>", row)
            plain = (re.sub(r"<ac:parameter.*?</ac:parameter>", "", cell).replace("<br/>", " ") for cell in cells[:4])
            rows.append([html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in plain])
    return rows


def _confirmations(stack: dict) -> list[dict]:
    posts = (seen["body"] for seen in doubles.requests(stack["slack_url"]) if seen["path"].endswith("/chat.postMessage"))
    return [body for body in posts if "decision_id" in json.dumps(body["metadata"])]
