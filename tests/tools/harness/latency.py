"""Measures the time from a delivery to the Slack call on the running stack: merges without approval, one after the other."""

import json
import time
from datetime import datetime

from . import doubles, postgres, samples
from .paths import STACK
from .progress import Failure, say, until

COUNT = 40
PATIENCE = 30


def measure() -> None:
    """Sends `COUNT` merges and prints the percentiles; a measurement ends when the Slack double receives the request."""
    if not STACK.exists():
        raise Failure("the stack is not running; start it with `make stack`")
    stack = json.loads(STACK.read_text())
    highest = f"SELECT coalesce(max(mr_iid), 810) FROM merge_request_events WHERE project_id = {samples.PROJECT['id']}"
    first = int(postgres.query(stack["database_url"], highest)) + 1
    took = sorted(_one(stack, first + number) for number in range(COUNT))
    at = {name: took[min(len(took) - 1, int(len(took) * part))] for name, part in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))}
    figures = ", ".join(f"{name} {milliseconds:.0f} ms" for name, milliseconds in at.items())
    say(f"{COUNT} merges, from the delivery to the Slack call, in the emulator: {figures} (target: p95 under 2000 ms)")


def _one(stack: dict, iid: int) -> float:
    sample = samples.Sample(iid, "Rotate the signing keys", "security::high", "merged without approval")
    doubles.set_world(stack["gitlab_url"], samples.world([sample]))
    payload = samples.deliveries(sample)[-1]
    started = time.time()
    status, answer = samples.send(stack, payload)
    if status != 202:
        raise Failure(f"unexpected answer to the delivery: {status} {answer}")
    posted = until(lambda: _posted(stack, iid), PATIENCE, f"a Slack message about {sample.name}")
    return (datetime.fromisoformat(posted["time"]).timestamp() - started) * 1000


def _posted(stack: dict, iid: int) -> dict | None:
    requests = doubles.requests(stack["slack_url"])
    for request in requests:
        if request["path"] == "/api/chat.postMessage" and request["body"]["metadata"]["event_payload"]["mr_iid"] == iid:
            return request
    return None
