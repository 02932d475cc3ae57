"""A real PostgreSQL for tests: a cluster in a temporary folder, on a free local port, gone afterwards.

Needs PostgreSQL's `initdb` and `postgres`. They refuse to run as root, so root hands them to the user `postgres`.
Knows nothing of Almenara. Run as a program it starts a server, prints its URL and stops it on interrupt:

    python tests/servers.py
"""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from availability import Missing
from availability import unavailable as skip_or_fail

__all__ = ["Missing", "free_port", "postgres", "skip_or_fail"]

READY_S = 30.0
_STOP_S = 15.0
_USER = "postgres"
_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
_SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=64MB")


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """A running server; gives the URL of its empty database `postgres`. Raises Missing where none can run.

    `durable` waits for the disk at each commit, as in production; only measurements want that.
    """
    initdb, server = _program("initdb"), _program("postgres")
    with tempfile.TemporaryDirectory(prefix="almenara-postgres-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chmod(folder, 0o755)
            os.chown(data, _account().pw_uid, _account().pw_gid)
        locale = ["--locale=C", "--encoding=UTF8", "--no-sync"]
        made = _run([initdb, "-D", str(data), "-A", "trust", "-U", _USER, *locale])
        if made.returncode:
            raise Missing(f"initdb failed: {made.stderr.strip()[-300:]}")
        for attempt in range(3):  # a port that was free a moment ago may be taken
            port = free_port()
            settings = [*_SETTINGS, f"port={port}", *(() if durable else _QUICK)]
            with _serving([server, "-D", str(data), *(f"-c{setting}" for setting in settings)], port) as ready:
                if ready:
                    yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}/postgres"
                    return
            if attempt == 2:
                raise Missing(f"PostgreSQL did not answer within {READY_S:.0f} s")


def free_port() -> int:
    """A local port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _serving(command: Sequence[str], port: int) -> Iterator[bool]:
    process = subprocess.Popen(
        _as_user(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
    try:
        yield _answers(process, port)
    finally:
        process.send_signal(signal.SIGINT)  # "fast" shutdown: connections are ended
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(_STOP_S)


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    import psycopg

    deadline = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=port, user=_USER, dbname="postgres", connect_timeout=2).close()
            return True
        time.sleep(0.05)
    return False


def _program(name: str) -> str:
    """PostgreSQL's own folder first: the names on the path may be wrappers, which would hide the server's pid."""
    homes = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*homes, os.environ.get("PATH", "")]))
    if found is None:
        raise Missing(f"PostgreSQL is not installed (no {name})")
    return found


def _as_user(command: Sequence[str]) -> list[str]:
    if os.geteuid() != 0:
        return list(command)
    account = _account()
    if shutil.which("setpriv") is None:
        raise Missing("PostgreSQL does not run as root, and there is no setpriv")
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_USER)
    except KeyError as error:
        raise Missing(f"PostgreSQL does not run as root, and there is no user {_USER}") from error


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(_as_user(command), capture_output=True, text=True, cwd="/", check=False)


if __name__ == "__main__":
    with postgres() as url, contextlib.suppress(KeyboardInterrupt):
        print(url, flush=True)
        signal.pause()
