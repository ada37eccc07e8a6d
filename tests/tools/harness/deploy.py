"""Deploys the real template into the emulator with the real SAM command line and writes `.local/stack.json`."""

import base64
import hashlib
import os
import secrets
import shutil
import subprocess

from . import postgres
from .aws import Aws
from .emulator import REGION, client_environment
from .paths import AUDIT_FILE, DEPLOYMENT, FUNCTIONS, LOGS, NESTED, ROOT, STACK, STATE, TEMPLATE
from .progress import Failure, tail
from .state import read, remember, write
from .tools import binary

STACK_NAME = "countersign"
DATABASE = "countersign"
OWNER = "countersign_owner"
AUDITOR = "countersign_audit_reader"
# The role that may read everything; the store's migrations create it.
AUDITOR_GROUP = "countersign_auditor"
# As in rules.yaml.
INSTANCE = "main"
# The only project in the scope of the hook `scoped`.
SCOPED_PROJECT = 7302
# These leave out what the emulator lacks: saved queries, alarms on expressions, CodeDeploy, rotation schedules.
EMULATED = {"SavedQueries": "false", "MetricMath": "false", "Rollout": "off", "DatabaseRotationDays": 0}
# How long a line may be missing: longer than a line waits after a database outage (RecorderPaces, quick).
GAP_SECONDS = 20


def credentials() -> dict[str, str]:
    """The generated secrets of this stack, each generated once."""
    fresh = {
        "owner_password": secrets.token_urlsafe(24), "auditor_password": secrets.token_urlsafe(24),
        "signing_token": _signing_token(), "scoped_signing_token": _signing_token(), "secret_token": secrets.token_urlsafe(24),
        "producer_key": secrets.token_urlsafe(32), "gitlab_stream_token": secrets.token_urlsafe(18),
    }
    known = read(STATE).get("credentials", {})
    if known.keys() != fresh.keys():
        known = fresh | known
        remember(credentials=known)
    return known


def _signing_token() -> str:
    """As GitLab generates them: a key of 32 bytes (https://docs.gitlab.com/user/project/integrations/webhooks/)."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def owner_url(server: dict, database: str = DATABASE) -> str:
    """The connection URL of the database owner."""
    return postgres.url(OWNER, credentials()["owner_password"], server["port"], database)


def prepare_database(server: dict, reset: bool, name: str = DATABASE) -> None:
    """Creates the database and its owner, who may create logins but is not a superuser (as on RDS). `reset` empties it first.

    A restart of the emulator loses everything, also queues and generated passwords, so it needs an empty database.
    """
    superuser = server["superuser_url"]
    if reset:
        postgres.query(superuser, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        AUDIT_FILE.unlink(missing_ok=True)
    if not postgres.query(superuser, f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'"):
        postgres.query(superuser, f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{credentials()['owner_password']}'")
    if not postgres.query(superuser, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        postgres.query(superuser, f"CREATE DATABASE {name} OWNER {OWNER}")


def add_auditor(server: dict) -> str:
    """Creates a read-only login, as the owner does for an auditor after a deployment; returns its connection URL."""
    password = credentials()["auditor_password"]
    exists = f"SELECT 1 FROM pg_roles WHERE rolname = '{AUDITOR}'"
    if not postgres.query(server["superuser_url"], exists):
        postgres.query(owner_url(server), f"""
            CREATE ROLE {AUDITOR} LOGIN PASSWORD '{password}' IN ROLE {AUDITOR_GROUP};
            ALTER ROLE {AUDITOR} SET default_transaction_read_only = on;
        """)
    return postgres.url(AUDITOR, password, server["port"], DATABASE)


def deploy(endpoint: str, server: dict, doubles: dict[str, str]) -> str:
    """Runs `sam deploy` unless the last deployment was identical; returns a note about it."""
    copy_templates()
    parameters = common_parameters(endpoint, server, doubles, DATABASE) | {
        "Network": "none", "RetryPace": "quick",
        "AuditLogDestination": "stdout,file,http", "AuditLogFilePath": AUDIT_FILE,
        "AuditLogHttpEndpoint": f"{doubles['siem']}/audit", "AuditGapSeconds": GAP_SECONDS,
    }
    AUDIT_FILE.parent.mkdir(parents=True, exist_ok=True)
    fingerprint = _fingerprint(parameters)
    if read(STATE).get("deployed") == fingerprint and Aws(endpoint).outputs(STACK_NAME):
        return "nothing changed"
    sam(endpoint, STACK_NAME, parameters)
    remember(deployed=fingerprint)
    return ""


def copy_templates() -> None:
    """Copies the template and its nested stacks next to the packages."""
    shutil.copyfile(TEMPLATE, DEPLOYMENT / "template.yaml")
    (DEPLOYMENT / "infra").mkdir(exist_ok=True)
    for nested in NESTED:
        shutil.copyfile(nested, DEPLOYMENT / "infra" / nested.name)


def common_parameters(endpoint: str, server: dict, doubles: dict[str, str], database: str) -> dict:
    """The parameters of every deployment into the emulator: a real Postgres, the doubles, and what is left out."""
    owner = Aws(endpoint).ensure_secret(f"{database}-owner", {"url": owner_url(server, database)})
    return EMULATED | {
        "Database": "existing", "DatabaseHost": "127.0.0.1", "DatabasePort": server["port"], "DatabaseName": database,
        "DatabaseOwnerSecretArn": owner,
        "GitLabApiUrl": doubles["gitlab"], "SlackApiUrl": doubles["slack"],
        "LinearApiUrl": doubles["linear"], "JiraApiUrl": doubles["jira"], "ConfluenceApiUrl": doubles["confluence"],
        # The emulator matches words; it does not understand JSON patterns.
        "AuditFilterPattern": "event_type audit",
        # Every event that a test or a person plays.
        "GitLabStreamTypes": "*",
        "Architecture": "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64",
    }


def fill_secrets(endpoint: str, stack: str = STACK_NAME) -> None:
    """Stores the tokens, as an operator does after the first deployment."""
    aws, outputs, known = Aws(endpoint), Aws(endpoint).outputs(stack), credentials()
    aws.put_secret(outputs["WebhookSecretArn"], {"hooks": [
        {"name": "local", "instance": INSTANCE, "signing_tokens": [known["signing_token"]],
         "secret_tokens": [known["secret_token"]], "projects": [], "namespaces": []},
        # Only for this project, as the hook of a single project should be.
        {"name": "scoped", "instance": INSTANCE, "signing_tokens": [known["scoped_signing_token"]],
         "projects": [SCOPED_PROJECT], "namespaces": []},
    ], "audit_producers": [
        {"name": "agent", "key": known["producer_key"], "services": ["gitlab-copilot-agent"]},
    ], "gitlab_streams": [
        {"name": "local", "token": known["gitlab_stream_token"], "instance": INSTANCE},
    ]})
    aws.put_secret(outputs["OutboundSecretArn"], {
        "gitlab": {INSTANCE: {"token": "glpat-local-stack"}}, "slack": {"bot_token": "xoxb-local-stack"},
        "linear": {"api_key": "lin_api_local-stack"},
        "jira": {"email": "countersign@example.com", "api_token": "jira-local-stack"},
        "confluence": {"email": "countersign@example.com", "api_token": "confluence-local-stack"},
        "siem": {"bearer": "siem-local-stack"},
    })


def describe(endpoint: str, server: dict, doubles: dict[str, str]) -> dict:
    """Writes `.local/stack.json`: all addresses and tokens needed to use the stack."""
    outputs, known = Aws(endpoint).outputs(STACK_NAME), credentials()
    port = endpoint.rpartition(":")[2]
    stack = {
        "webhook_url": f"{endpoint}/webhook", "audit_events_url": f"{endpoint}/audit/events", "audit_gitlab_url": f"{endpoint}/audit/gitlab",
        "producer_key": known["producer_key"], "gitlab_stream_token": known["gitlab_stream_token"],
        "host_header": f"{outputs['ApiId']}.execute-api.localhost:{port}",
        "signing_token": known["signing_token"], "secret_token": known["secret_token"], "instance": INSTANCE,
        "scoped_signing_token": known["scoped_signing_token"], "scoped_project": SCOPED_PROJECT,
        "database_url": add_auditor(server), "database_owner_url": owner_url(server),
        "aws_endpoint": endpoint, "region": REGION,
        "gitlab_url": doubles["gitlab"], "slack_url": doubles["slack"], "siem_url": doubles["siem"],
        "linear_url": doubles["linear"], "jira_url": doubles["jira"], "confluence_url": doubles["confluence"], "audit_file": str(AUDIT_FILE),
        "queues": {
            "deliveries": outputs["DeliveriesQueueUrl"], "effects": outputs["EffectsQueueUrl"],
            "deliveries_dlq": outputs["DeliveriesDeadLettersUrl"], "effects_dlq": outputs["EffectsDeadLettersUrl"],
            "audit_retry": outputs["AuditRetryQueueUrl"], "audit_retry_dlq": outputs["AuditRetryDeadLettersUrl"],
            "audit_inlet": outputs["AuditInletQueueUrl"], "audit_inlet_dlq": outputs["AuditInletDeadLettersUrl"],
            "maintenance_dlq": outputs["MaintenanceDeadLettersUrl"],
        },
        "functions": {name: outputs[f"{name.capitalize()}FunctionName"] for name in FUNCTIONS},
        "log_groups": {name: outputs[f"{name.capitalize()}LogGroup"] for name in ("api", *FUNCTIONS)},
        "secrets": {name: outputs[f"{name.capitalize()}SecretArn"] for name in ("webhook", "outbound", "database")},
    }
    write(STACK, stack)
    return stack


def _fingerprint(parameters: dict) -> str:
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for path in [TEMPLATE, *NESTED, *(DEPLOYMENT / "build" / f"{name}.zip" for name in FUNCTIONS)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def sam(endpoint: str, stack: str, parameters: dict, *options: str) -> str:
    """Runs `sam deploy`; returns its output."""
    command = [
        binary("sam", "sam"), "deploy", "--template-file", "template.yaml", "--config-file", ROOT / "samconfig.toml",
        "--stack-name", stack, "--region", REGION, "--resolve-s3", "--no-confirm-changeset", "--no-progressbar",
        *options, "--parameter-overrides", *(f'{name}="{value}"' for name, value in parameters.items()),
    ]
    return run(endpoint, stack, command)


def environment(endpoint: str) -> dict[str, str]:
    """The environment with which the SAM command line calls only the emulator."""
    return client_environment(endpoint) | {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": str(DEPLOYMENT), "SAM_CLI_TELEMETRY": "0", "LC_ALL": "C.UTF-8",
    }


def run(endpoint: str, stack: str, command: list, answers: int | None = None) -> str:
    """Runs the SAM command line in the folder of the packages; returns its output. `answers`: a descriptor with the answers to its questions."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"sam-deploy-{stack}.log"
    with open(log, "wb") as output:
        done = subprocess.run([str(part) for part in command], cwd=DEPLOYMENT, env=environment(endpoint), stdout=output,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL if answers is None else answers, check=False)
    if done.returncode != 0:
        raise Failure(f"sam deploy failed:\n{tail(log, 40)}")
    return log.read_text(errors="replace")
