"""Bad input at the entrances of the distributed mode, as real processes over Kafka and PostgreSQL.

The inbox topic and the signed webhook, bad rules and subscribers while running and at a start, topics that would
forget; and no secret anywhere that a person or a program could read.
"""

import base64
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from standardwebhooks import Webhook

from almenara.adapters.kafka.reader import KafkaLogReader
from almenara.app.loops import listening
from almenara.domain.event import RULESET
from almenara.ports.log import EVENTS, REJECTED, STREAMS
from almenara.ports.wire import decode_event
from bad_input import BAD_EVENTS, BOMB, FUTURE, line
from case_run import stream
from distributed_system import Given, Sinks, System, distributed, open_sinks
from fleet import ALMENARA
from kafka import KafkaProducer

PARTITIONS = 2
SERVICES = ("ingest", "rules", "notifier", "ticker")
SECRET = base64.b64encode(b"canary of the webhook, made up").decode()
CANARIES = ("canary-of-the-audience-key-7", "canary-database-7", SECRET, "TCANARY7", "BCANARY7")
SUBSCRIBERS = """\
people:
  ana: {mail: "${env:ANA_MAIL}", slack: {via: desk}, language: en, wants: [{levels: [high, critical]}]}
channels:
  desk: {kind: slack, url: "${env:SLACK_DESK}"}
"""

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


class Run:
    """The four services and their entrances."""

    def __init__(self, system: System, sinks: Sinks, port: int) -> None:
        self.system, self.fleet, self.sinks, self.port = system, system.fleet, sinks, port
        self.config = system.given.config

    def start(self) -> None:
        """All services, until they work."""
        for name in SERVICES:
            self.fleet.start(name, "run", name)
        self.fleet.until(lambda: all("assigned: " in self.fleet.said(n) for n in ("rules", "notifier")), "the start")
        self.fleet.until(lambda: "the webhook listens" in self.fleet.said("ingest"), "the webhook")

    def inbox(self, *bodies: bytes) -> None:
        """What another team's producer does."""
        producer = KafkaProducer(bootstrap_servers=self.system.bootstrap, max_request_size=8_000_000)
        for body in bodies:
            producer.send("almenara.inbox", body).get(30)
        producer.close()

    def post(self, body: bytes, secret: str = SECRET) -> int:
        """What a program with the signed webhook does; the status of the answer."""
        now, uid = datetime.now(UTC), f"msg_{len(body)}"
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": uid,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(uid, now, body.decode()),
        }
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("POST", "/webhook/ministry", body, headers)
            return connection.getresponse().status

    def told(self, count: int) -> None:
        """Waits until so many messages arrived by each way."""
        mail, slack = self.sinks.mail, self.sinks.slack
        self.fleet.until(lambda: len(mail.mails()) >= count and len(slack.posts()) >= count, f"message {count}")
        assert (len(mail.mails()), len(slack.posts())) == (count, count)

    def activations(self) -> int:
        """How often a ruleset was activated."""
        return sum(r.id.startswith(f"{RULESET}/") for r in stream(self.system.store, EVENTS)) // PARTITIONS


@pytest.fixture
def run(postgres_url: str, tmp_path: Path) -> Iterator[Run]:
    with listening("127.0.0.1:0") as free:
        port = free.getsockname()[1]
    with open_sinks(tmp_path / "sinks") as sinks:
        given = Given(tmp_path / "system", sinks, SUBSCRIBERS, PARTITIONS)
        given.environ |= {
            "ALMENARA_AUDIENCE__KEY": "canary-of-the-audience-key-7",
            "ALMENARA_WEBHOOK__LISTEN": f"127.0.0.1:{port}",
            "ALMENARA_WEBHOOK__SECRETS__MINISTRY": f"whsec_{SECRET}",
            "ALMENARA_LOG__LEVEL": "debug",
            "ANA_MAIL": "canary-ana@example.org",
            "SLACK_DESK": sinks.slack.url("CANARY7"),
        }
        with distributed(given, postgres_url) as system:
            url = system.fleet.environ["ALMENARA_STORAGE__DATABASE"]
            system.fleet.environ["ALMENARA_STORAGE__DATABASE"] = url.replace("@", ":canary-database-7@", 1)
            yield Run(system, sinks, port)


def test_whatever_comes_in_all_around_it_goes_on(run: Run, tmp_path: Path) -> None:
    run.start()
    store = run.system.store

    # the inbox topic
    run.inbox(line("first"), *(body for _, body in BAD_EVENTS), b"", FUTURE, line("last"))
    run.told(2)
    wanted = sorted([*(reason for reason, _ in BAD_EVENTS), "undecodable"])
    assert sorted(json.loads(record.body)["reason"] for record in stream(store, REJECTED)) == wanted
    articles = [e for e in map(decode_event, (r.body for r in stream(store, EVENTS))) if e.type == "article.published"]
    assert [article.data["flags"] for article in articles] == [["future"]]
    run.fleet.until(run.system.idle, "relaying")
    with closing(KafkaLogReader(run.system.bootstrap)) as kafka:
        assert len(stream(kafka, REJECTED)) == len(wanted)

    # the webhook
    assert run.post(line("posted")) == 202
    assert run.post(line("by a stranger"), base64.b64encode(b"somebody else's secret..").decode()) == 401
    run.told(3)

    # bad files while it runs
    people, rule = run.config / "subscribers.yaml", run.config / "rules" / "bomb.yml"
    good = people.read_text("utf-8")
    rule.write_text(BOMB, "utf-8")
    people.write_text(good + "\n: [\n", "utf-8")
    run.fleet.send("rules", signal.SIGHUP)
    run.fleet.send("notifier", signal.SIGHUP)
    for name, file in (("rules", "rules/bomb.yml:2"), ("notifier", "subscribers.yaml:")):
        run.fleet.until(lambda name=name: "NOT taken" in run.fleet.said(name), f"{name} refusing its file")
        assert file in run.fleet.said(name)
    run.inbox(line("while the files are bad"))
    run.told(4)

    # and at a start
    assert set(run.fleet.stop().values()) == {0}, run.fleet.logs()
    run.start()
    for name in ("rules", "notifier"):
        assert "NOT taken" in run.fleet.said(name)
    run.inbox(line("after a start with bad files"))
    run.told(5)
    assert run.activations() == 1
    run.fleet.until(run.system.idle, "working off")
    assert set(run.fleet.stop().values()) == {0}, run.fleet.logs()
    rule.unlink()
    people.write_text(good, "utf-8")
    run.fleet.once("audit", "replay")

    no_secret_is_anywhere(run, tmp_path)
    topics_that_forget_are_refused(run)


def no_secret_is_anywhere(run: Run, folder: Path) -> None:
    """Not in a log, not in the database, not in the topics, not in what the command line prints, not in the folder."""
    shown = {path.name: path.read_bytes() for path in sorted(run.fleet.folder.glob("*.log"))}
    assert len(shown) == len(SERVICES)
    for words in (
        ("config", "show", "--json"),
        ("status", "--json"),
        ("deliveries", "list", "--json"),
        ("alerts", "list", "--json"),
        ("subscribers", "show", "--json"),
        ("log", "export"),
        ("log", "tail", "--stream", "rejected", "--json"),
    ):
        shown[" ".join(words)] = run.fleet.once(*words).encode()
    kept = dict(shown)
    with psycopg.connect(run.fleet.environ["ALMENARA_STORAGE__DATABASE"].replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"'.encode()).fetchall()
            kept[f"table {table}"] = b"\n".join(
                value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
            )
    with closing(KafkaLogReader(run.system.bootstrap)) as kafka:
        kept |= {f"topic {name}": b"\n".join(record.body for record in stream(kafka, name)) for name in STREAMS}
    for path in sorted((folder / "system" / "data").rglob("*")):
        if path.is_file():
            kept[str(path)] = path.read_bytes()
    for kind in ("table", "topic", "log export", "alerts list"):  # what is there is found, too
        assert any(b"inbox:first" in text for where, text in kept.items() if where.startswith(kind)), kind
    found = [(canary, where) for where, text in kept.items() for canary in CANARIES if canary.encode() in text]
    assert found == []
    # an address is personal: the record holds keyed hashes of it
    held = [where for where in kept if where.startswith(("table", "topic")) and b"canary-ana@" in kept[where]]
    assert held == []


def topics_that_forget_are_refused(run: Run) -> None:
    """Each service refuses a log with finite retention, compaction or another count, and names the cure."""
    with closing(KafkaAdminClient(bootstrap_servers=run.system.bootstrap)) as admin:
        for topic, key, value in (("alerts", "retention.ms", "604800000"), ("events", "cleanup.policy", "compact")):
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, f"almenara.{topic}", configs={key: value})])
    for name in SERVICES:
        for more, says in (
            ({}, ("almenara.alerts has retention.ms=604800000", "almenara.events has cleanup.policy=compact")),
            ({"ALMENARA_KAFKA__PARTITIONS": "5"}, ("2 partitions and 5 are set",)),
        ):
            done = subprocess.run(
                [*ALMENARA, "run", name],
                env={**run.fleet.environ, **more},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 5, (name, done.stderr[-2_000:])
            assert all(words in done.stderr for words in says), (name, done.stderr[-2_000:])
            assert not any(canary in done.stderr + done.stdout for canary in CANARIES)
