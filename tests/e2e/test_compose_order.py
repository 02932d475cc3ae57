"""docker-compose.yml as processes: its very commands, settings and order, on real servers; only names become addresses.

What cannot be shown here without an engine (images, rights, mounts) is looked at in tests/house/test_compose.py.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
import pytest
import yaml

from almenara.adapters.sinks.smtp import SmtpSink
from distributed_system import own_kafka
from fleet import ALMENARA, ROOT, Fleet
from linked import links_of, mail_of
from servers import free_port
from switch import Switch

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TOGETHER = ("ingest", "rules", "notifier", "ticker", "console")
STATEMENT = "This is a smear and a pure fabrication."

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


class Stack:
    """The parts of the file as processes, with the places of this machine for those of the containers."""

    def __init__(self, folder: Path, places: Mapping[str, str]) -> None:
        self.folder, self.places = folder, places
        self.fleets: dict[str, Fleet] = {}

    def here(self, text: str) -> str:
        """A text of the file as it reaches a container here: `$$` is `$`, names are addresses."""
        text = text.replace("$$", "$")
        for name, place in self.places.items():
            text = text.replace(name, place)
        return text

    def fleet(self, name: str) -> Fleet:
        """The processes of one part, in its environment; health checks run there too, as in its container."""
        if name not in self.fleets:
            environ = {key: self.here(value) for key, value in SERVICES[name]["environment"].items()}
            self.fleets[name] = Fleet(self.folder / "processes" / name, environ)
        return self.fleets[name]

    def keys(self) -> None:
        """The part that makes the keys: its own shell command."""
        [shell, flags], [script] = SERVICES["keys"]["entrypoint"], SERVICES["keys"]["command"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([shell, flags, self.here(script)], check=True, timeout=30, env={**os.environ, "PATH": path})

    def start(self, name: str) -> None:
        """Starts a service by its command."""
        self.fleet(name).start(name, *SERVICES[name]["command"])

    def healthy(self, name: str) -> bool:
        """What the part's health check says, run as the engine runs it."""
        kind, program, *words = SERVICES[name]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "almenara")
        fleet = self.fleet(name)
        done = subprocess.run([*ALMENARA, *words], env=fleet.environ, cwd=fleet.folder, capture_output=True, timeout=60)
        return done.returncode == 0

    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(fleet.logs() for fleet in self.fleets.values())

    def close(self) -> None:
        """Kills whatever still runs."""
        for fleet in self.fleets.values():
            fleet.close()


@contextlib.contextmanager
def database_of(server: str, password: Path) -> Iterator[str]:
    """The database and its owner as the postgres container makes them from its environment; gives `host:port`."""
    given = SERVICES["postgres"]["environment"]
    user, name = given["POSTGRES_USER"], given["POSTGRES_DB"]
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{password.read_text('utf-8')}'".encode())
        connection.execute(f"CREATE DATABASE {name} OWNER {user}".encode())
        try:
            yield urlsplit(server).netloc.rpartition("@")[2]
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"DROP ROLE {user}".encode())


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path / "mails") as sink:
        yield sink


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    with Switch(tmp_path / "switch") as sink:
        yield sink


@pytest.fixture
def stack(postgres_url: str, smtp: SmtpSink, switch: Switch, tmp_path: Path) -> Iterator[Stack]:
    config, keys = tmp_path / "config", tmp_path / "keys"
    shutil.copytree(ROOT / "config", config)
    (config / "sources.yaml").write_text("{}\n", "utf-8")  # nothing is fetched from anywhere
    settings = (config / "almenara.yaml").read_text("utf-8")
    assert "port: 1025" in settings
    pages = f"127.0.0.1:{free_port()}"
    settings = settings.replace("port: 1025", f"port: {smtp.port}") + f'links: {{base: "http://{pages}"}}\n'
    settings += f'heartbeat: {{canary_every: 5s, ping: "{switch.url}"}}\n'
    (config / "almenara.yaml").write_text(settings, "utf-8")
    keys.mkdir()
    places = {"/run/keys": str(keys), "/etc/almenara": str(config), "/var/lib/almenara": str(tmp_path / "data")}
    places["0.0.0.0:8402"] = pages
    with own_kafka() as kafka:
        Stack(tmp_path, places).keys()
        with database_of(postgres_url, keys / "database_password") as postgres:
            made = Stack(tmp_path, {**places, "kafka:9092": kafka, "postgres:5432": postgres})
            try:
                yield made
            finally:
                made.close()


def event(now: datetime) -> str:
    """A made-up strong statement, as another program would hand it in."""
    data = {
        "speaker": {"name": "Speaker A", "country": "PER", "office": "foreign_minister", "speaks_for": "state"},
        "attribution": "direct",
        "target": {"country": "USA"},
        "text": STATEMENT,
        "language": "en",
        "sources": [{"name": "herald.example", "grade": "F"}],
        "countries": {"actor": ["PER"], "target": ["USA"]},
    }
    head = {"specversion": "1.0", "id": "made-up-1", "source": "made-up", "type": "statement.made", "country": "PER"}
    return json.dumps({**head, "time": now.isoformat(), "data": data}) + "\n"


def test_the_stack_starts_works_and_ends_as_the_file_says(
    stack: Stack, smtp: SmtpSink, switch: Switch, tmp_path: Path
) -> None:
    operator = stack.fleet("migrate")
    operator.once(*SERVICES["migrate"]["command"])
    operator.once(*SERVICES["migrate"]["command"])  # at each start again
    for name in TOGETHER:
        stack.start(name)
    watched = stack.fleet("rules")
    for name in TOGETHER:
        stack.fleet(name).until(lambda name=name: stack.healthy(name), f"the health of {name}", 60)
        health = tmp_path / "data" / "health" / f"{name}.json"
        stack.fleet(name).until(health.exists, f"{name} saying how it is", 60)
    watched.until(lambda: "assigned: " in watched.said("rules"), "rules joining", 60)

    taken = json.loads(operator.once("events", "publish", "-", "--json", input_=event(datetime.now(UTC))))
    assert taken["rejected"] == []
    notifier = stack.fleet("notifier")
    notifier.until(lambda: bool(smtp.mails()), "a mail", 60)
    mail = message_from_bytes(smtp.mails()[0].read_bytes(), policy=default)
    assert mail["To"] == "desk-lima@example.org"
    assert "Speaker A" in mail.get_body(("plain",)).get_content()
    alerts = [json.loads(line) for line in operator.once("alerts", "list", "--json").splitlines()]
    assert [alert["rule"] for alert in alerts] == ["strong_statement"]

    link = links_of(smtp.mails()[0])["Tomar a cargo"]
    form = b"do=it&name=Ruth+Q"
    with urlopen(link, timeout=20) as page, urlopen(link, form, timeout=20) as done:
        assert (page.status, done.status) == (200, 200)

    def acknowledged() -> bool:
        return json.loads(operator.once("alerts", "list", "--json"))["state"] == "acknowledged"

    notifier.until(acknowledged, "the alert taken on by the press of a button", 60)
    notifier.until(lambda: len(smtp.mails()) == 2, "the mail that says so", 60)
    assert "Ruth Q (desk-lima)" in mail_of(smtp.mails()[1]).get_body(("plain",)).get_content()

    notifier.until(lambda: switch.requests > 0, "a beacon through every partition", 60)
    assert "a-secret-of-ours" not in stack.logs()
    for name in TOGETHER:
        assert stack.healthy(name), stack.logs()
    operator.once("doctor", "--quiet")
    page = json.loads(operator.once("status", "--json"))
    assert {service["service"] for service in page["services"]} >= set(TOGETHER)
    assert page["partitions"] == int(SERVICES["rules"]["environment"]["ALMENARA_KAFKA__PARTITIONS"])
    assert page["streams"]["events"] > 2 * page["partitions"] + 1  # the ticker ticks
    codes = {name: code for part in TOGETHER for name, code in stack.fleet(part).stop().items()}
    assert codes == dict.fromkeys(TOGETHER, 0), stack.logs()
    assert len(smtp.mails()) == 2
    operator.once("audit", "replay", "--quiet")
    operator.once("audit", "verify", "--quiet")
