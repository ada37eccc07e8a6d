"""The audit trail of the samples, asked for with the command line that an auditor uses."""

from . import countersign, postgres
from .paths import shown
from .progress import say, until

# What must be told of a merge that became an exception, from the door to Slack.
STORY = ("webhook.auth.verify", "sqs.api.send_message", "gitlab.api.get_mr_details", "gitlab.api.get_mr_approvals",
         "exception.record.insert", "slack.api.post_message")
# How long a line may take from a function's output into Postgres; the emulator hands it on when the invocation ends.
PATIENCE = 60


def tell(stack: dict, correlation_id: str) -> None:
    """Prints the story of one delivery, once all of it is stored, and how to search the trail."""
    told = f"SELECT string_agg(DISTINCT action, ' ') FROM audit_events WHERE correlation_id = '{correlation_id}'"

    def complete() -> bool:
        return set(STORY) <= set(postgres.query(stack["database_url"], told).split())

    until(complete, PATIENCE, f"the whole audit story of delivery {correlation_id}", every=0.3)
    say("\nIts audit trail, from the door to Slack:\n")
    countersign.show("trace", correlation_id)
    say("\nThe trail is searched by actor, action, target, time, outcome and correlation id:\n")
    for words in (("--action", "gitlab.api", "--since", "24h"), ("--action", "webhook.auth.verify", "--outcome", "failure")):
        say(f"   $ {shown(countersign.PROGRAM)} audit {' '.join(words)}")
