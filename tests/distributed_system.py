"""A whole distributed system for tests: a broker of its own, a database, a configuration folder and its sinks.

Configured as docker-compose.yml does it: by environment variables and a folder. Nothing in it reaches the network.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from functools import cached_property
from pathlib import Path

from almenara.adapters.sinks.slack import SlackSink
from almenara.adapters.sinks.smtp import SmtpSink
from almenara.adapters.sql.store import SqlStore
from almenara.app.activation import Checked, activate_audience, activate_rules, check
from almenara.app.audience import LoadedAudience, read_audience
from almenara.app.content import read_content
from almenara.app.overview import behind
from almenara.app.settings import Settings, load_settings
from almenara.ports.log import STREAMS
from almenara.ports.store import Store
from availability import started
from databases import fresh_database
from fleet import ALMENARA, ROOT, Fleet
from kafka_server import running_kafka

KEY = "made up, and the same in every mode of one test"
MARK = "POSSIBLE DUPLICATE"


class Sinks:
    """Where mails and Slack posts of one or several runs end up."""

    def __init__(self, folder: Path) -> None:
        self.mail, self.slack = SmtpSink(folder / "mails"), SlackSink(folder / "slack")

    def copies(self) -> dict[str, list[bool]]:
        """What arrived: for each message, in order of arrival, whether a copy says that it may be one."""
        found: dict[str, list[bool]] = {}
        for path in self.mail.mails():
            mail = message_from_bytes(path.read_bytes(), policy=default)
            part = mail.get_body(("plain",))
            assert part is not None
            found.setdefault(str(mail["Message-ID"]), []).append(MARK in part.get_content())
        for post in self.slack.posts():
            said = post["payload"]
            marked = said["text"].startswith(MARK)
            if marked:  # the mark stands in a block and in the text before all else; the rest is the message
                said = {**said, "text": said["text"].partition(".")[2].strip(), "blocks": said["blocks"][1:]}
            found.setdefault(json.dumps(said, sort_keys=True), []).append(marked)
        return found


@contextlib.contextmanager
def open_sinks(folder: Path) -> Iterator[Sinks]:
    """A mail server and a Slack-compatible endpoint of our own."""
    sinks = Sinks(folder)
    with sinks.mail, sinks.slack:
        yield sinks


class Given:
    """The configuration folder and the environment of one mode: what an operator prepares."""

    def __init__(self, folder: Path, sinks: Sinks, subscribers: str, partitions: int) -> None:
        self.folder = folder
        self.config = folder / "config"
        shutil.copytree(ROOT / "config", self.config)
        (self.config / "sources.yaml").write_text("{}\n", "utf-8")
        text = subscribers.replace("SLACK_URL", sinks.slack.url())
        (self.config / "subscribers.yaml").write_text(text, "utf-8")
        self.environ = {
            "ALMENARA_CONFIG": str(self.config),
            "ALMENARA_DATA_DIR": str(folder / "data"),
            "ALMENARA_KAFKA__PARTITIONS": str(partitions),
            "ALMENARA_AUDIENCE__KEY": KEY,
            "ALMENARA_MAIL__HOST": "127.0.0.1",
            "ALMENARA_MAIL__PORT": str(sinks.mail.port),
            "ALMENARA_MAIL__SECURITY": "none",
            "ALMENARA_MAIL__FROM": "Almenara <almenara@example.org>",
        }

    @cached_property
    def settings(self) -> Settings:
        """The settings, as a service reads them."""
        return load_settings(self.config, self.environ)

    @cached_property
    def checked(self) -> Checked:
        """The ruleset of the folder, as a service reads it."""
        lateness = int(self.settings.time.allowed_lateness.total_seconds())
        return check(read_content(self.config, allowed_lateness_s=lateness))

    @cached_property
    def audience(self) -> LoadedAudience:
        """The subscribers of the folder, as a service reads them."""
        return read_audience(self.config, self.settings, environ=self.environ)

    def activate(self, store: Store, at: datetime) -> None:
        """The folder's rules and subscribers go live, so that a service that starts finds them active."""
        activate_rules(store, self.checked, at, by="test", reason="test")
        activate_audience(store, self.audience.audience, at, by="test", reason="test")


class System:
    """The processes, the store behind them, and how far they are."""

    def __init__(self, given: Given, bootstrap: str, database: str, program: tuple[str, ...] = ALMENARA) -> None:
        self.given, self.bootstrap = given, bootstrap
        given.environ |= {
            "ALMENARA_MODE": "distributed",
            "ALMENARA_STORAGE__DATABASE": database,
            "ALMENARA_KAFKA__BOOTSTRAP": bootstrap,
        }
        self.fleet = Fleet(given.folder / "processes", given.environ, program)
        self.fleet.once("migrate")
        self.store = SqlStore(database)

    def progress(self) -> dict[tuple[str, str], int]:
        """How many records each consumer has taken of its stream."""
        found: dict[tuple[str, str], int] = {}
        for lease in self.store.positions():
            key = (lease.consumer, lease.stream)
            found[key] = found.get(key, 0) + lease.after
        return found

    def length(self, stream: str) -> int:
        """How many records the stream has in the database."""
        return sum(self.store.end(stream, partition) for partition in range(self.store.partitions))

    def idle(self) -> bool:
        """Whether everything that was appended is taken, sent and published."""
        if any(behind(self.store).values()) or self.store.pending():
            return False
        done = self.progress()
        return all(done.get((f"relay:{stream}", stream), 0) == self.length(stream) for stream in STREAMS)

    def state(self) -> str:
        """One line, for failures."""
        lengths = {stream: self.length(stream) for stream in STREAMS}
        return f"behind {behind(self.store)}, to send {self.store.pending()}, {lengths}, {self.progress()}"

    def close(self) -> None:
        """Ends the processes and lets go of the database."""
        self.fleet.close()
        self.store.close()


def shares(said: str, partitions: int) -> bool:
    """Whether the last assignment a worker told is a share, neither nothing nor everything."""
    told = [line.rpartition("assigned: ")[2] for line in said.splitlines() if "assigned: " in line]
    return bool(told) and 0 < len(json.loads(told[-1])) < partitions


def own_kafka() -> AbstractContextManager[str]:
    """A broker of this test alone: the services name their topics and groups themselves."""
    return started(running_kafka())


@contextlib.contextmanager
def distributed(given: Given, postgres_url: str, program: tuple[str, ...] = ALMENARA) -> Iterator[System]:
    """A system that is migrated and where nothing runs yet."""
    with own_kafka() as bootstrap, fresh_database(postgres_url) as database:
        system = System(given, bootstrap, database, program)
        try:
            yield system
        finally:
            system.close()
