"""The embedded mode as a real process: an event that another process publishes arrives as a mail; SIGTERM ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from almenara.adapters.sinks.smtp import SmtpSink
from cli_calls import DESIGNATION, small_config
from servers import free_port

PATIENCE_S = 60.0


class Installation:
    """A configuration, a data folder, and the command line as people call it."""

    def __init__(self, folder: Path, mail_port: int) -> None:
        self.config = small_config(folder / "config", mail_port=mail_port)
        self.data = folder / "data"
        self.log = folder / "log.txt"

    def words(self, *args: str) -> list[str]:
        where = ("--config", str(self.config), "--data-dir", str(self.data))
        return [sys.executable, "-m", "almenara.cli.main", *args, *where]

    def call(self, *args: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.words(*args), capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    @contextmanager
    def running(self) -> "Iterator[subprocess.Popen[bytes]]":
        with self.log.open("ab") as log:
            process = subprocess.Popen(self.words("run", "all"), stdout=log, stderr=log, env=dict(os.environ))
            try:
                self.wait(lambda: self.call("status", "--service", "all").returncode == 0, process)
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait(PATIENCE_S)

    def wait(self, until: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not until():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"it did not come to pass (exit {process.poll()}):\n{self.log.read_text('utf-8')}")
            time.sleep(0.1)

    def stop(self, process: "subprocess.Popen[bytes]") -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE_S)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path / "mails") as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, sink: SmtpSink) -> Installation:
    return Installation(tmp_path, sink.port)


def publish(here: Installation, folder: Path, uid: str) -> None:
    file = folder / f"{uid}.jsonl"
    file.write_text(json.dumps({**DESIGNATION, "id": uid, "time": "2026-02-03T12:00:00Z"}), "utf-8")
    done = here.call("events", "publish", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 1


def test_an_event_of_another_process_arrives_as_a_mail(here: Installation, sink: SmtpSink, tmp_path: Path) -> None:
    with here.running() as process:
        publish(here, tmp_path, "d-1")
        here.wait(lambda: len(sink.mails()) == 1, process)
        assert here.stop(process) == 0
    assert not (here.data / "health" / "all.json").exists()
    (mail,) = sink.mails()
    assert b"ana@example.org" in mail.read_bytes()
    delivered = here.call("deliveries", "list", "--json")
    assert json.loads(delivered.stdout)["state"] == "delivered"
    replayed = here.call("audit", "replay")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_after_a_kill_it_goes_on_and_repeats_nothing(here: Installation, sink: SmtpSink, tmp_path: Path) -> None:
    with here.running() as process:
        publish(here, tmp_path, "d-1")
        here.wait(lambda: "delivered" in here.call("deliveries", "list", "--json").stdout, process)
        process.kill()
        process.wait(PATIENCE_S)
    publish(here, tmp_path, "d-2")
    with here.running() as process:
        here.wait(lambda: here.call("deliveries", "list", "--json").stdout.count("delivered") >= 1, process)
        here.wait(
            lambda: '"behind": {"rules": 0, "notifier": 0, "plan": 0}' in here.call("status", "--json").stdout, process
        )
        assert here.stop(process) == 0
    states = [json.loads(line) for line in here.call("deliveries", "list", "--json").stdout.splitlines()]
    assert len({state["delivery"] for state in states}) == len(sink.mails())
    assert not any(state["possible_duplicate"] for state in states)


def test_a_bad_file_while_running_changes_nothing(here: Installation, sink: SmtpSink, tmp_path: Path) -> None:
    with here.running() as process:
        (here.config / "rules" / "lists_and_policy.yml").write_text("title: [\n", "utf-8")
        process.send_signal(signal.SIGHUP)
        here.wait(lambda: "NOT taken" in here.log.read_text("utf-8"), process)
        publish(here, tmp_path, "d-1")
        here.wait(lambda: len(sink.mails()) == 1, process)
        assert here.stop(process) == 0


def test_a_second_process_on_the_same_record_is_refused(here: Installation) -> None:
    with here.running() as process:
        second = here.call("run", "all")
        assert second.returncode == 5
        assert "another process runs over" in second.stderr
        assert process.poll() is None


def test_it_refuses_to_start_with_nothing_good(here: Installation) -> None:
    (here.config / "subscribers.yaml").write_text("people: [\n", "utf-8")
    done = here.call("run", "all")
    assert done.returncode == 2
    assert "subscribers.yaml:" in done.stderr


def test_the_pages_run_beside_it_in_a_process_of_their_own(here: Installation) -> None:
    refused = here.call("run", "console")
    assert refused.returncode == 5
    assert "console.listen is not set" in refused.stderr
    listen = f"127.0.0.1:{free_port()}"
    with here.running() as process, here.log.open("ab") as log:
        environ = {**os.environ, "ALMENARA_CONSOLE__LISTEN": listen}
        pages = subprocess.Popen(here.words("run", "console"), stdout=log, stderr=log, env=environ)
        try:
            here.wait(lambda: here.call("status", "--service", "console").returncode == 0, process)
            with urlopen(f"http://{listen}/healthz", timeout=20) as answer:
                assert answer.status == 200
            pages.send_signal(signal.SIGTERM)
            assert pages.wait(PATIENCE_S) == 0
        finally:
            pages.kill()
            pages.wait(PATIENCE_S)
        assert here.call("status", "--service", "console").returncode == 1
        assert here.stop(process) == 0
