"""The real services, killed at random and put to sleep: no alert lost or extra, every message told, copies say so."""

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from almenara.adapters.apprise.slack_payload import payload
from almenara.adapters.kafka.reader import KafkaLogReader
from almenara.adapters.memory import MemoryStore
from almenara.adapters.sinks.slack import Answer
from almenara.adapters.sinks.smtp import Reply
from almenara.app.embedded import Embedded
from almenara.audit.explain import all_notices
from almenara.domain.notice import Decision, DeliveryState, Notice
from almenara.notifier.words.compose import compose
from almenara.ports.log import ALERTS, DELIVERIES, EVENTS, NOTICES, REJECTED, Entry
from almenara.ports.queue import PER_DESTINATION
from almenara.ports.wire import decode_delivery
from case_run import bodies, processors, stream
from distributed_system import Given, Sinks, System, distributed, open_sinks
from made_up_stream import START, made_up_stream

PARTITIONS = 4
EVENT_COUNT = 20_000
KILLS = 24
SESSION_MS = 3_000
CLAIM_S = 6
PROGRAM = (sys.executable, str(Path(__file__).parent / "service_main.py"))
SERVICES = {
    "ingest": "ingest",
    "rules-1": "rules",
    "rules-2": "rules",
    "notifier-1": "notifier",
    "notifier-2": "notifier",
}
SUBSCRIBERS = """\
people:
  ana: {mail: ana@example.org, language: en, time_zone: UTC, wants: [{}]}
teams:
  desk: {slack: {via: workspace}, language: en, time_zone: UTC, wants: [{}]}
channels:
  workspace: {kind: slack, url: 'SLACK_URL'}
"""

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Expected:
    """What one undisturbed fold in memory comes to."""

    alerts: list[tuple[str, str, bytes]]
    notices: dict[str, bytes]
    planned: list[Notice]


class Run:
    """One system under test with its sinks."""

    def __init__(self, system: System, sinks: Sinks, entries: tuple[Entry, ...]) -> None:
        self.system, self.fleet, self.sinks, self.entries = system, system.fleet, sinks, entries

    def start(self, *names: str) -> None:
        """Starts these services and waits until they work."""
        for name in names:
            self.fleet.start(name, "run", SERVICES[name])
        self.fleet.until(lambda: all(self.works(name) for name in names), f"starting {names}", 60)

    def works(self, name: str) -> bool:
        """Whether the process has got partitions since it was started; ingest gets none, it only relays."""
        return ("almenara.inbox" if name == "ingest" else "assigned: ") in self.fleet.said(name)

    def feed(self, start: int, end: int, *, burst: int = 500, pause_s: float = 0.0) -> None:
        """Appends entries, in order, as one source of events would."""
        for at in range(start, end, burst):
            self.system.store.append(list(self.entries[at : min(at + burst, end)]))
            time.sleep(pause_s)

    def taken(self, consumer: str, name: str) -> int:
        """How many records of a stream a consumer has taken."""
        return self.system.progress().get((consumer, name), 0)

    def epochs(self, consumer: str) -> dict[int, int]:
        """The claim's number, by partition."""
        return {p.partition: p.epoch for p in self.system.store.positions() if p.consumer == consumer}

    def finish(self, seconds: float = 120) -> None:
        """Waits until nothing is left to do, and ends all services; each ends well."""
        # one that is still starting does not listen to signals yet
        self.fleet.until(lambda: all(map(self.works, self.fleet.running)), "all services at work", 60)
        try:
            self.fleet.until(self.system.idle, "working off", seconds)
        except BaseException:
            print(self.system.state())
            raise
        assert set(self.fleet.stop().values()) == {0}, self.fleet.logs()


@contextmanager
def prepared(
    postgres_url: str, folder: Path, entries: tuple[Entry, ...], environ: Mapping[str, str] | None = None
) -> Iterator[tuple[Run, Expected]]:
    """A system with the shipped rules active and nothing running, and what must come out of it."""
    with open_sinks(folder) as sinks:
        given = Given(folder / "system", sinks, SUBSCRIBERS, PARTITIONS)
        given.environ |= {"TEST_SESSION_MS": str(SESSION_MS), "TEST_CLAIM_S": str(CLAIM_S), **(environ or {})}
        with distributed(given, postgres_url, PROGRAM) as system:
            given.activate(system.store, START)
            yield Run(system, sinks, entries), expected(given, entries)


def expected(given: Given, entries: tuple[Entry, ...]) -> Expected:
    store = MemoryStore(PARTITIONS)
    given.activate(store, START)
    store.append(list(entries))
    Embedded(store, processors(store)).pump()
    notices = list(all_notices(store))
    return Expected(
        alerts=bodies(store, ALERTS)[ALERTS],
        notices={record.id: record.body for record in stream(store, NOTICES)},
        planned=[notice for notice in notices if notice.decision == Decision.PLANNED],
    )


def assert_exact(run: Run, wanted: Expected) -> None:
    """The record is that of the undisturbed fold, in the database and in Kafka; each delivery was recorded once."""
    store = run.system.store
    alerts = bodies(store, ALERTS)[ALERTS]
    lost, extra = Counter(wanted.alerts) - Counter(alerts), Counter(alerts) - Counter(wanted.alerts)
    first = (next(iter(lost), None), next(iter(extra), None))
    assert (lost.total(), extra.total()) == (0, 0), f"first: {first}\n{run.fleet.logs()}"
    assert alerts == wanted.alerts
    assert run.system.length(REJECTED) == 0
    assert run.system.length(EVENTS) == len(run.entries) + 2 * PARTITIONS
    assert {record.id: record.body for record in stream(store, NOTICES)} == wanted.notices
    with closing(KafkaLogReader(run.system.bootstrap)) as kafka:
        assert bodies(kafka) == bodies(store)
    steps = [decode_delivery(record.body) for record in stream(store, DELIVERIES)]
    delivered = Counter(step.delivery for step in steps if step.state == DeliveryState.DELIVERED)
    assert delivered == Counter(notice.delivery for notice in wanted.planned)
    assert {step.state for step in steps} == {DeliveryState.ATTEMPTING, DeliveryState.DELIVERED}


def assert_told(run: Run, wanted: Expected) -> tuple[int, int]:
    """Every planned message arrived; of its copies all but the first say what they are.

    How many say that they may be a copy (the one before may never have left), and how many are one.
    """
    contact = run.system.given.settings.corrections.contact
    slack = Counter(
        json.dumps(payload(compose(notice, contact=contact), anew=True), sort_keys=True)
        for notice in wanted.planned
        if notice.channel == "slack"
    )
    assert set(slack.values()) == {1}  # else posts could not be told apart
    copies = run.sinks.copies()
    assert set(slack) <= set(copies)
    assert len(copies) == len(wanted.planned)
    unmarked = {key: seen for key, seen in copies.items() if not all(seen[1:])}
    assert not unmarked, f"copies that do not say so: {unmarked}"
    marked, more = sum(map(sum, copies.values())), sum(len(seen) - 1 for seen in copies.values())
    print(f"{len(copies)} messages arrived; {marked} say that they may be copies, {more} are")
    return marked, more


def test_killed_at_random_no_alert_is_lost_and_every_copy_says_so(postgres_url: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("ALMENARA_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed} (ALMENARA_SEED)")
    chance = random.Random(seed)
    entries = made_up_stream(seed, EVENT_COUNT, statements=300, meetings=200, partitions=PARTITIONS)
    with prepared(postgres_url, tmp_path, entries) as (run, wanted):
        assert len(wanted.alerts) > 500
        run.start(*SERVICES)
        killed: Counter[str] = Counter()
        busy = 0
        share = -(-len(entries) // KILLS)
        for number in range(KILLS):
            name = chance.choice(list(SERVICES))
            # not before it works, so that a kill hits more than an import
            run.fleet.until(lambda name=name: run.works(name), f"{name} starting again", 60)
            place = (number * share, min((number + 1) * share, len(entries)))
            feeding = threading.Thread(target=run.feed, args=place, kwargs={"burst": 100}, daemon=True)
            feeding.start()
            time.sleep(chance.uniform(0.1, 1.0))
            busy += not run.system.idle()
            run.fleet.kill(name)
            killed[SERVICES[name]] += 1
            run.fleet.start(name, "run", SERVICES[name])
            feeding.join()
        run.finish()
        print(f"killed {dict(killed)}, {busy} of them at work")
        assert busy >= 20
        assert_exact(run, wanted)
        assert_told(run, wanted)


def test_rules_that_slept_through_their_session_write_nothing(postgres_url: str, tmp_path: Path) -> None:
    entries = made_up_stream(7, 6_000, statements=200, meetings=100, partitions=PARTITIONS)
    with prepared(postgres_url, tmp_path, entries) as (run, wanted):
        run.start("ingest", "rules-1", "notifier-1")
        half = len(entries) // 2
        feeding = threading.Thread(target=run.feed, args=(0, half), kwargs={"burst": 100}, daemon=True)
        feeding.start()
        run.fleet.until(lambda: run.taken("rules", EVENTS) > 300, "the first events")
        run.fleet.send("rules-1", signal.SIGSTOP)
        before = run.epochs("rules")
        assert run.taken("rules", EVENTS) < half
        run.start("rules-2")
        feeding.join()
        total = run.system.length(EVENTS)
        run.fleet.until(lambda: run.taken("rules", EVENTS) == total, "the other one taking over")
        assert all(epoch > before[partition] for partition, epoch in run.epochs("rules").items())
        run.fleet.send("rules-1", signal.SIGCONT)
        time.sleep(1)  # whatever it would write, it writes now
        run.feed(half, len(entries))
        run.finish()
        assert_exact(run, wanted)
        assert_told(run, wanted)


def test_a_notifier_that_slept_through_its_claims_tells_nobody_anything(postgres_url: str, tmp_path: Path) -> None:
    entries = made_up_stream(11, 2_000, statements=100, meetings=60, partitions=PARTITIONS)
    slow_s = CLAIM_S - 2
    with prepared(postgres_url, tmp_path, entries, {"ALMENARA_MAIL__TIMEOUT": f"{CLAIM_S - 1}s"}) as (run, wanted):
        run.start("ingest", "rules-1", "notifier-1")
        # As many of each destination as may be in hand fall asleep in a dialogue: two mails before they are handed
        # over, two when the server has them and has not said so yet, and so all posts. Nothing else is on its way.
        before_data, after_data = [Reply("250 OK", slow_s, at="rcpt")] * 2, [Reply(delay_s=slow_s)] * 2
        run.sinks.mail.reply_with(*before_data, *after_data)
        run.sinks.slack.answer_with(*[Answer(delay_s=slow_s)] * PER_DESTINATION)
        run.feed(0, len(entries) // 2)
        mails, slack = run.sinks.mail.mails, run.sinks.slack
        run.fleet.until(lambda: len(mails()) >= 2 and slack.requests >= PER_DESTINATION, "messages on their way")
        run.fleet.send("notifier-1", signal.SIGSTOP)
        assert (len(mails()), slack.requests) == (2, PER_DESTINATION)
        run.start("notifier-2")
        run.fleet.until(run.system.idle, "the other one taking over")
        before = (run.sinks.copies(), bodies(run.system.store, DELIVERIES))
        run.fleet.send("notifier-1", signal.SIGCONT)
        time.sleep(3)  # whatever it would write or send, it writes or sends now
        assert (run.sinks.copies(), bodies(run.system.store, DELIVERIES)) == before
        run.feed(len(entries) // 2, len(entries))
        run.finish()
        assert_exact(run, wanted)
        assert assert_told(run, wanted) == (4 + PER_DESTINATION, 2 + PER_DESTINATION)
