"""The recorded cases through every mode, up to the mails and posts that arrive: the same alerts, byte for byte.

In memory; in SQLite with random batches and restarts; through Kafka and PostgreSQL with real processes, two of each.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

from almenara.adapters.kafka.reader import KafkaLogReader
from almenara.adapters.memory import MemoryStore
from almenara.adapters.sql.store import open_sqlite
from almenara.app.channels import Ways
from almenara.app.clock import SystemClock
from almenara.app.embedded import Embedded
from almenara.audit.explain import all_notices
from almenara.domain.alert import AlertChanged, Change
from almenara.domain.notice import Decision, Delivery, DeliveryState, Notice
from almenara.notifier.send import Sender
from almenara.ports.log import ALERTS, DELIVERIES, EVENTS, NOTICES, REJECTED, STREAMS, LogReader
from almenara.ports.store import Store
from almenara.ports.wire import decode_delivery
from case_run import PARTITIONS, START, bodies, case_entries, changes, processors, shipped, stream
from case_table import ALMORIA, PERU
from distributed_system import Given, Sinks, distributed, open_sinks, shares

SERVICES = {
    "ingest": "ingest",
    "rules-1": "rules",
    "rules-2": "rules",
    "notifier-1": "notifier",
    "notifier-2": "notifier",
}
MAIL, SLACK = "mail", "workspace"
SUBSCRIBERS = """\
people:
  ana:
    mail: ana@example.org
    language: es
    time_zone: America/Lima
    wants:
      - {countries: [PER, XAL], levels: [high, critical]}
      - {tags: [visa_list_change]}
teams:
  desk:
    mail: desk@example.org
    slack: {via: workspace}
    language: en
    time_zone: UTC
    wants:
      - {countries: [PER, CHL, CHN, USA, XAL]}
channels:
  workspace: {kind: slack, url: 'SLACK_URL'}
"""

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Outcome:
    """What one mode came to: the records, and what arrived at the sinks."""

    alerts: list[tuple[str, str, bytes]]
    notices: list[Notice]
    notice_bodies: dict[str, bytes]
    deliveries: list[Delivery]
    rejected: int
    changes: list[AlertChanged]
    mails: Counter[str]
    posts: Counter[str]


class Modes:
    """Runs a mode and reads what came of it. All modes write to the same sinks: an address is part of a record."""

    def __init__(self, folder: Path, sinks: Sinks) -> None:
        self.folder, self.sinks = folder, sinks
        self._mails = self._posts = 0

    def given(self, name: str) -> Given:
        """The configuration of a mode."""
        given = Given(self.folder / name, self.sinks, SUBSCRIBERS, PARTITIONS)
        assert given.checked.digest == shipped().digest
        return given

    def outcome(self, log: LogReader) -> Outcome:
        """Reads the log, and what arrived since the last mode."""
        notices = list(all_notices(log))
        mails, posts = self.sinks.mail.mails(), self.sinks.slack.posts()
        fresh, self._mails = mails[self._mails :], len(mails)
        posted, self._posts = posts[self._posts :], len(posts)
        return Outcome(
            alerts=bodies(log, ALERTS)[ALERTS],
            notices=notices,
            notice_bodies={record.id: record.body for record in stream(log, NOTICES)},
            deliveries=[decode_delivery(record.body) for record in stream(log, DELIVERIES)],
            rejected=len(stream(log, REJECTED)),
            changes=changes(log),
            mails=Counter(str(message_from_bytes(path.read_bytes())["Message-ID"]) for path in fresh),
            posts=Counter(json.dumps(post["payload"], sort_keys=True) for post in posted),
        )


def send_all(store: Store, given: Given) -> None:
    """Sends what is due, to the very sinks."""
    ways = Ways(given.settings)
    ways.use(given.audience)
    contact = given.settings.corrections.contact
    sender = Sender(store, ways.channels, ways.address, SystemClock(), contact=contact)
    while store.pending():
        assert sender.run_once()


def in_memory(modes: Modes) -> Outcome:
    given, store = modes.given("memory"), MemoryStore(PARTITIONS)
    given.activate(store, START)
    store.append(list(case_entries(PARTITIONS)))
    Embedded(store, processors(store)).pump()
    send_all(store, given)
    return modes.outcome(store)


def in_sqlite(modes: Modes, chance: random.Random) -> Outcome:
    given = modes.given("sqlite")
    file = given.settings.data_dir / "almenara.db"
    entries = case_entries(PARTITIONS)
    cuts = sorted(chance.sample(range(1, len(entries)), 5))
    for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True):
        with closing(open_sqlite(file, PARTITIONS)) as store:
            if start == 0:
                given.activate(store, START)
            store.append(list(entries[start:end]))
            every = chance.choice([50, 700, 1_000_000])
            Embedded(store, processors(store), batch=chance.randint(1, 900), snapshot_every=every).pump()
            send_all(store, given)
    with closing(open_sqlite(file)) as store:
        return modes.outcome(store)


def in_processes(modes: Modes, chance: random.Random, postgres_url: str) -> Outcome:
    with distributed(modes.given("distributed"), postgres_url) as system:
        system.given.activate(system.store, START)
        fleet = system.fleet
        for name, service in SERVICES.items():
            fleet.start(name, "run", service)
        workers = [name for name in SERVICES if name != "ingest"]
        # two of each share the partitions before the case begins
        fleet.until(lambda: all(shares(fleet.said(name), PARTITIONS) for name in workers), "sharing the partitions", 90)
        entries = case_entries(PARTITIONS)
        cuts = sorted(chance.sample(range(1, len(entries)), 7))
        for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True):
            for at in range(start, end, 2_000):
                system.store.append(list(entries[at : min(end, at + 2_000)]))
            time.sleep(chance.uniform(0, 0.5))
        fleet.until(system.idle, "working through the case", 120)
        assert set(fleet.stop().values()) == {0}, fleet.logs()
        assert system.length(EVENTS) == len(entries) + 2 * PARTITIONS  # the services activated nothing themselves
        replayed = json.loads(fleet.once("audit", "replay", "--json"))
        assert replayed["identical"]
        assert replayed["compared"] == len(changes(system.store))
        verified = json.loads(fleet.once("audit", "verify", "--json"))
        assert verified["records"] == sum(map(system.length, STREAMS))
        with closing(KafkaLogReader(system.bootstrap)) as kafka:
            assert bodies(kafka) == bodies(system.store)
        return modes.outcome(system.store)


@pytest.fixture(scope="module")
def outcomes(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    seed = int(os.environ.get("ALMENARA_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed} (ALMENARA_SEED)")
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("modes")
    with open_sinks(folder) as sinks:
        modes = Modes(folder, sinks)
        yield {
            "memory": in_memory(modes),
            "sqlite": in_sqlite(modes, chance),
            "processes": in_processes(modes, chance, postgres_url),
        }


OTHERS = ("sqlite", "processes")
ALL = ("memory", *OTHERS)


@pytest.mark.parametrize("mode", OTHERS)
def test_the_alerts_are_the_same_byte_for_byte_and_at_the_same_positions(
    mode: str, outcomes: dict[str, Outcome]
) -> None:
    assert len(outcomes["memory"].alerts) > 25
    assert outcomes[mode].alerts == outcomes["memory"].alerts
    assert {one.rejected for one in outcomes.values()} == {0}


@pytest.mark.parametrize("mode", OTHERS)
def test_the_notices_are_the_same_set(mode: str, outcomes: dict[str, Outcome]) -> None:
    # their order among each other follows the appends: a subscriber's come from several partitions of alerts
    assert len(outcomes["memory"].notice_bodies) > 60
    assert outcomes[mode].notice_bodies == outcomes["memory"].notice_bodies
    assert len(outcomes[mode].notices) == len(outcomes["memory"].notices)


@pytest.mark.parametrize("mode", ALL)
def test_every_planned_delivery_was_made_at_the_first_attempt(mode: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[mode]
    planned = {n.delivery for n in outcomes["memory"].notices if n.decision == Decision.PLANNED}
    steps = Counter((step.delivery, step.state, step.attempt, step.possible_duplicate) for step in outcome.deliveries)
    states = (DeliveryState.ATTEMPTING, DeliveryState.DELIVERED)
    assert steps == Counter((delivery, state, 1, False) for delivery in planned for state in states)


@pytest.mark.parametrize("mode", ALL)
def test_what_was_planned_arrived_once(mode: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[mode]
    planned = Counter(notice.via for notice in outcome.notices if notice.decision == Decision.PLANNED)
    assert set(planned) == {MAIL, SLACK}
    assert set(outcome.mails.values()) == {1}
    assert outcome.mails.total() == planned[MAIL]
    assert outcome.posts.total() == planned[SLACK]
    assert outcome.mails == outcomes["memory"].mails
    assert outcome.posts == outcomes["memory"].posts


def test_the_table_of_facts_holds_for_the_processes(outcomes: dict[str, Outcome]) -> None:
    found = Counter(
        (
            changed.alert.rule,
            changed.alert.country,
            changed.change.value,
            f"{changed.at:%Y-%m-%d %H}",
            changed.alert.checked or changed.change in (Change.RESOLVED, Change.RETRACTED),
        )
        for changed in outcomes["processes"].changes
    )
    wanted = Counter(
        (fires.rule, fires.country, fires.what, f"{fires.at:%Y-%m-%d %H}", fires.checked)
        for row in (*PERU, *ALMORIA)
        for fires in row.fires
    )
    assert found == wanted
    told = {event.id for changed in outcomes["processes"].changes for event in changed.alert.events}
    assert {fires.event for row in (*PERU, *ALMORIA) for fires in row.fires} <= told
