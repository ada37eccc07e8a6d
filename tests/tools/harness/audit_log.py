"""The audit log of the samples, read with the command line that an auditor uses."""

from . import countersign, postgres
from .paths import shown
from .progress import say, until

# Actions that the audit log must contain for a merge that became an exception, from the webhook to Slack.
EXPECTED = ("webhook.auth.verify", "sqs.api.send_message", "gitlab.api.get_mr_details", "gitlab.api.get_mr_approvals",
            "exception.record.insert", "slack.api.post_message")
# How long a line may take from a function's output to Postgres, in seconds; the emulator forwards it when the invocation ends.
PATIENCE = 60


def show(stack: dict, name: str, correlation_id: str) -> None:
    """Prints all audit entries of one delivery, once they are stored, and how to search the audit log."""
    actions = f"SELECT string_agg(DISTINCT action, ' ') FROM audit_events WHERE correlation_id = '{correlation_id}'"

    def complete() -> bool:
        return set(EXPECTED) <= set(postgres.query(stack["database_url"], actions).split())

    until(complete, PATIENCE, f"all audit entries of delivery {correlation_id}", every=0.3)
    say(f"\nThe audit log of {name}, from the webhook to Slack:\n")
    countersign.show("trace", correlation_id)
    say("\nSearch the audit log by actor, action, target, time, outcome or correlation id:\n")
    for words in (("--action", "gitlab.api", "--since", "24h"), ("--action", "webhook.auth.verify", "--outcome", "failure")):
        say(f"   $ {shown(countersign.PROGRAM)} audit {' '.join(words)}")
