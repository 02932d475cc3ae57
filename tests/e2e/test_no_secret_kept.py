"""The embedded mode as a real process with made-up secrets: none is in its folder, its log or what it prints."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from almenara.adapters.sinks.hook import HookSink
from almenara.adapters.sinks.slack import Answer, SlackSink
from bad_input import line
from cli_calls import small_config
from linked import urls_in

KEY = base64.b64encode(b"canary of the webhook, made up").decode()
SIGNING = base64.b64encode(b"canary of the webhook out, made up.").decode()
LINKS_KEY = "canary-of-the-links-key-7"
TOKEN = "xoxb-7-canary-of-the-bot"
CANARIES = (
    *("canary-of-the-audience-key-7", KEY, SIGNING, TOKEN, "TCANARY7", "BCANARY7", "canary-ana"),
    *("C0CANARY7", "canary-path-7", "canary-pager-7", "canary-mail-password-7", LINKS_KEY),
)
PATIENCE_S = 60.0
SUBSCRIBERS = """\
people:
  ana: {mail: "${env:ANA_MAIL}", slack: {via: desk}, language: en, wants: [{}]}
  ben: {slack: {via: bot, channel: "${env:BEN_CHANNEL}"}, webhook: {via: erp}, apprise: {via: pager}, wants: [{}]}
channels:
  desk: {kind: slack, url: "${env:SLACK_DESK}"}
  bot: {kind: slack, token: "${env:SLACK_BOT}", api: "${env:SLACK_API}"}
  erp: {kind: webhook, url: "${env:ERP_URL}", secret: "${env:ERP_SECRET}"}
  pager: {kind: apprise, url: "${env:PAGER_URL}"}
"""


def test_a_whole_run_keeps_no_secret(tmp_path: Path) -> None:
    config, data, log = small_config(tmp_path / "config"), tmp_path / "data", tmp_path / "log.txt"
    (config / "subscribers.yaml").write_text(SUBSCRIBERS, "utf-8")
    with (config / "almenara.yaml").open("a", encoding="utf-8") as settings:
        settings.write('channels: {apprise_schemas: [json], private_networks: ["127.0.0.0/8"]}\noperator: ben\n')
    event = tmp_path / "event.jsonl"
    event.write_bytes(line("d-1"))
    # Each service says no at first and quotes what it was given; the mail server and the pager are not there at all
    said = f"no such hook /services/TCANARY7/BCANARY7/CANARY7 {TOKEN} {SIGNING} canary-path-7"
    with (
        SlackSink(tmp_path / "slack", answers=[Answer(500, said)] * 2, token=TOKEN) as slack,
        HookSink(tmp_path / "hook", f"whsec_{SIGNING}", answers=[Answer(410, said)]) as hook,
    ):
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ALMENARA_")},
            "ALMENARA_AUDIENCE__KEY": CANARIES[0],
            "ALMENARA_LINKS__KEY": LINKS_KEY,
            "ALMENARA_LINKS__BASE": "https://alerts.example.org",
            "ALMENARA_WEBHOOK__SECRETS__MINISTRY": f"whsec_{KEY}",
            "ALMENARA_MAIL__USER": "almenara",
            "ALMENARA_MAIL__PASSWORD": "canary-mail-password-7",
            "ALMENARA_LOG__LEVEL": "debug",
            "ANA_MAIL": "canary-ana@example.org",
            "BEN_CHANNEL": "C0CANARY7",
            "SLACK_DESK": slack.url("CANARY7"),
            "SLACK_BOT": TOKEN,
            "SLACK_API": slack.api(),
            "ERP_URL": hook.url("canary-path-7"),
            "ERP_SECRET": f"whsec_{SIGNING}",
            "PAGER_URL": "json://canary-pager-7@127.0.0.1:1/",
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
                # four channels said something, and the operator was told of the one that refused
                until(lambda: slack.requests > 1 and call("deliveries", "list", "--json").count(b"\n") >= 6, log)
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
                ("deliveries", "list", "--all"),
                ("channels", "list", "--json"),
                ("channels", "test", "pager", "--json"),
                ("channels", "test", "erp", "--json"),
                ("alerts", "test", "--to", "ben"),
                ("subscribers", "show", "--json"),
                ("log", "export"),
            )
        }
    kept = said | {
        str(path.relative_to(tmp_path)): path.read_bytes() for path in [log, *data.rglob("*")] if path.is_file()
    }
    assert b"d-1" in kept["log export"]
    # every message that was tried had links; none of them is anywhere
    assert [where for where, body in kept.items() if urls_in(body.decode("utf-8", "replace"))] == []
    assert b"refuses everyone" in call("channels", "list")
    assert any(b"d-1" in body for name, body in kept.items() if name.startswith("data/"))
    assert [(canary, where) for where, body in kept.items() for canary in CANARIES if canary.encode() in body] == []


def until(what: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.2)
