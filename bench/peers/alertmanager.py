"""Prometheus Alertmanager (Go): takes alerts by its API, groups them, and posts them to a webhook."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from availability import Missing
from cache import Cache
from process import ProgramFailed

VERSION: Final = "0.35.0"
MODULE: Final = "github.com/prometheus/alertmanager"
# The module comes without its web pages, which are made when it is released, and does not compile without their
# folders. Nobody looks at them here: an empty page in each will do.
PAGES: Final = ("ui/app/dist/elm/index.html", "ui/app/dist/mantine/index.html")
READY_S: Final = 30.0
HOST: Final = "127.0.0.1"

# Every alert is a group of its own, told at once. The interval of a group is left as it is by default: a shorter one
# would wake every group again and again, and cost more.
_CONFIG: Final = """\
route: {receiver: bench, group_by: ['...'], group_wait: 0s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: bench, webhook_configs: [{url: '%s', send_resolved: false}]}]
"""


class Alertmanager:
    """A running one."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self._process = process
        self._api = http.client.HTTPConnection(HOST, port, timeout=30)

    def hand_in(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Posts alerts. Raises ProgramFailed when they are not taken."""
        self._api.request("POST", "/api/v2/alerts", json.dumps(alerts), {"Content-Type": "application/json"})
        answer = self._api.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise ProgramFailed(f"alertmanager answered {answer.status}: {said[:200]!r}")

    def ready(self) -> bool:
        """Whether it takes alerts."""
        try:
            self._api.request("GET", "/-/ready")
            answer = self._api.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._api.close()
            return False
        return answer.status == 200

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def cpu_s(self) -> float:
        """Its seconds of the processor until now."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def installed(cache: Cache) -> Path:
    """The program. Raises Missing."""
    if not Path("/proc/self/stat").exists():
        raise Missing("the seconds of a running process are read from /proc, which this system does not have")
    return cache.go_program(MODULE, f"v{VERSION}", "cmd/alertmanager", stubs=PAGES)


@contextmanager
def running(program: Path, folder: Path, url: str) -> Iterator[Alertmanager]:
    """It runs with its data in `folder` and posts to `url`. Raises ProgramFailed when it does not start."""
    folder.mkdir(parents=True)
    (folder / "alertmanager.yml").write_text(_CONFIG % url)
    port = _free_port()
    command = [
        str(program),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=folder)
    try:
        found = Alertmanager(process, port)
        limit = time.monotonic() + READY_S
        while not found.ready():
            if process.poll() is not None or time.monotonic() > limit:
                raise ProgramFailed(f"alertmanager did not start (exit code {process.poll()})")
            time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port
