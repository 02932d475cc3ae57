"""The embedded mode as a real process with made-up secrets: none is in its folder, its log or what it prints."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from almenara.adapters.sinks.slack import Answer, SlackSink
from bad_input import line
from cli_calls import small_config

KEY = base64.b64encode(b"canary of the webhook, made up").decode()
CANARIES = ("canary-of-the-audience-key-7", KEY, "TCANARY7", "BCANARY7", "canary-ana")
PATIENCE_S = 60.0


def test_a_whole_run_keeps_no_secret(tmp_path: Path) -> None:
    config, data, log = small_config(tmp_path / "config"), tmp_path / "data", tmp_path / "log.txt"
    (config / "subscribers.yaml").write_text(
        'people:\n  ana: {mail: "${env:ANA_MAIL}", slack: {via: desk}, language: en, wants: [{}]}\n'
        'channels:\n  desk: {kind: slack, url: "${env:SLACK_DESK}"}\n',
        "utf-8",
    )
    event = tmp_path / "event.jsonl"
    event.write_bytes(line("d-1"))
    # Slack refuses at first, naming the hook; the mail server is not there at all
    with SlackSink(
        tmp_path / "slack", answers=[Answer(500, "no such hook /services/TCANARY7/BCANARY7/CANARY7")]
    ) as slack:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ALMENARA_")},
            "ALMENARA_AUDIENCE__KEY": CANARIES[0],
            "ALMENARA_WEBHOOK__SECRETS__MINISTRY": f"whsec_{KEY}",
            "ALMENARA_LOG__LEVEL": "debug",
            "ANA_MAIL": "canary-ana@example.org",
            "SLACK_DESK": slack.url("CANARY7"),
        }

        def words(*args: str) -> list[str]:
            return [sys.executable, "-m", "almenara.cli.main", *args, "--config", str(config), "--data-dir", str(data)]

        def call(*args: str) -> bytes:
            done = subprocess.run(words(*args), capture_output=True, env=environ, check=False, timeout=PATIENCE_S)
            return done.stdout + done.stderr

        with log.open("wb") as output:
            process = subprocess.Popen(words("run", "all"), stdout=output, stderr=output, env=environ)
            try:
                until(lambda: b'"healthy": true' in call("status", "--json"), log)
                call("events", "publish", str(event))
                until(lambda: slack.requests > 0 and call("deliveries", "list", "--json").count(b"\n") >= 2, log)
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_S) == 0
            finally:
                process.kill()
                process.wait(PATIENCE_S)
        said = {
            " ".join(args): call(*args)
            for args in (
                ("config", "show", "--json"),
                ("config", "show"),
                ("status", "--json"),
                ("doctor", "--json"),
                ("deliveries", "list", "--json"),
                ("subscribers", "show", "--json"),
                ("log", "export"),
            )
        }
    kept = said | {
        str(path.relative_to(tmp_path)): path.read_bytes() for path in [log, *data.rglob("*")] if path.is_file()
    }
    assert b"d-1" in kept["log export"]
    assert any(b"d-1" in body for name, body in kept.items() if name.startswith("data/"))
    assert [(canary, where) for where, body in kept.items() for canary in CANARIES if canary.encode() in body] == []


def until(what: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.2)
