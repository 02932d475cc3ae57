"""Real processes, killed and put to sleep at random moments: nothing is lost and nothing is written twice."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from almenara.adapters.kafka.reader import KafkaLogReader
from almenara.adapters.kafka.topics import Topics
from almenara.adapters.sql.migrate import upgrade
from almenara.adapters.sql.store import SqlStore
from almenara.ports.log import ALERTS, EVENTS, Entry, LogReader
from counting import Counting, bodies

PARTITIONS = 4
RECORDS = 20_000
KILLS = 20
SESSION_MS = 3_000
MAIN = Path(__file__).parent / "processor_main.py"

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


class Fleet:
    """The processes of one distributed system, and the store that the test itself looks into."""

    def __init__(self, database: str, bootstrap: str, folder: Path) -> None:
        self.database, self.bootstrap, self.folder = database, bootstrap, folder
        self.prefix = f"t{uuid.uuid4().hex[:8]}."
        upgrade(database)
        self.store = SqlStore(database, PARTITIONS)
        with Topics(bootstrap, prefix=self.prefix) as topics:
            topics.create(PARTITIONS)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, role: str, writes: str, factory: str = "counting:Counting") -> None:
        root = MAIN.parents[2]
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [
                    *(sys.executable, str(MAIN), role, "--database", self.database, "--bootstrap", self.bootstrap),
                    *("--prefix", self.prefix, "--partitions", str(PARTITIONS), "--writes", writes),
                    *("--session-ms", str(SESSION_MS), "--factory", factory),
                ],
                env={**os.environ, "PYTHONPATH": f"{root / 'services'}{os.pathsep}{root / 'tests'}"},
                stdout=output,
                stderr=output,
            )

    def worker(self, name: str, factory: str = "counting:Counting") -> None:
        self.start(name, "worker", "alerts,rejected", factory)

    def kill(self, name: str) -> None:
        process = self.processes[name]
        process.kill()
        process.wait()

    def append(self, count: int, start: int = 0) -> None:
        entries = [
            Entry(EVENTS, f"K{number % 37}", f"e{number}", f"body {number}".encode() * 10)
            for number in range(start, start + count)
        ]
        for at in range(0, count, 250):
            self.store.append(entries[at : at + 250])

    def after(self, consumer: str) -> int:
        return sum(p.after for p in self.store.positions() if p.consumer == consumer)

    def epochs(self) -> dict[int, int]:
        return {p.partition: p.epoch for p in self.store.positions() if p.consumer == Counting.consumer}

    def until(self, what: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                pytest.fail(f"waited {seconds} s; positions: {self.store.positions()}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(f"{p.name}: ...{p.read_text()[-1500:]}" for p in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        with Topics(self.bootstrap, prefix=self.prefix) as topics:
            topics.delete()
        self.store.close()


@pytest.fixture
def fleet(kafka_bootstrap: str, postgres_url: str, tmp_path: Path) -> Iterator[Fleet]:
    name = f"t{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    made = Fleet(postgres_url.rpartition("/")[0] + "/" + name, kafka_bootstrap, tmp_path)
    try:
        yield made
    finally:
        made.close()


def assert_exact(fleet: Fleet, total: int) -> None:
    """The outputs, in the database and in Kafka, are those of one undisturbed fold: none lost, none extra."""
    kafka = KafkaLogReader(fleet.bootstrap, prefix=fleet.prefix)
    try:
        seen = 0
        for partition in range(PARTITIONS):
            events = everything(fleet.store, EVENTS, partition)
            expected = bodies(events)
            alerts = everything(fleet.store, ALERTS, partition)
            found = [record.body for record in alerts]
            lost, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
            assert (lost.total(), extra.total()) == (0, 0), fleet.logs()
            assert found == expected
            assert everything(kafka, ALERTS, partition) == alerts
            seen += len(events)
        assert seen == total
    finally:
        kafka.close()


def everything(log: LogReader, stream: str, partition: int) -> list:
    found: list = []
    while records := log.read(stream, partition, len(found)):
        found += records
    return found


def test_killed_at_random_nothing_is_lost_and_nothing_is_written_twice(fleet: Fleet) -> None:
    seed = int(os.environ.get("ALMENARA_SEED", random.SystemRandom().randrange(10**6)))
    print(f"seed {seed} (ALMENARA_SEED)")
    chance = random.Random(seed)
    fleet.start("relay", "relay", "events")
    fleet.worker("one")
    fleet.worker("two")
    feeding = threading.Thread(target=fed_slowly, args=(fleet,), daemon=True)
    feeding.start()
    busy = 0
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.3, 2.7))
        name = chance.choice(["one", "two", "one", "two", "relay"])
        busy += fleet.after(Counting.consumer) < sum(fleet.store.end(EVENTS, p) for p in range(PARTITIONS))
        fleet.kill(name)
        if name == "relay":
            fleet.start("relay", "relay", "events")
        else:
            fleet.worker(name)
    feeding.join()
    fleet.until(lambda: fleet.after("relay:alerts") == RECORDS)
    print(f"{KILLS} kills, {busy} of them while records waited")
    assert_exact(fleet, RECORDS)


def fed_slowly(fleet: Fleet) -> None:
    """Feeds in bursts over about the time that the kills take, so that most of them hit a worker at work."""
    burst = 500
    for start in range(0, RECORDS, burst):
        fleet.append(burst, start)
        time.sleep(KILLS * 1.5 / (RECORDS / burst))


def test_a_worker_that_slept_through_its_session_writes_nothing(fleet: Fleet) -> None:
    total = 1_000
    fleet.start("relay", "relay", "events")
    fleet.worker("sleeper", "counting:Slow")
    fleet.append(20)
    fleet.until(lambda: fleet.after(Counting.consumer) == 20)
    fleet.append(total - 20, 20)
    fleet.until(lambda: fleet.after("relay:events") == total)
    time.sleep(0.2)  # it has a batch in hand now, and folds it for half a second or more
    fleet.processes["sleeper"].send_signal(signal.SIGSTOP)
    assert fleet.after(Counting.consumer) < total
    before = fleet.epochs()
    fleet.worker("other")
    fleet.until(lambda: fleet.after(Counting.consumer) == total)
    assert all(epoch > before[partition] for partition, epoch in fleet.epochs().items())
    fleet.processes["sleeper"].send_signal(signal.SIGCONT)
    fleet.until(lambda: "belongs to another worker" in (fleet.folder / "sleeper.log").read_text())
    fleet.append(total, total)
    fleet.until(lambda: fleet.after("relay:alerts") == 2 * total)
    assert fleet.processes["sleeper"].poll() is None
    assert_exact(fleet, 2 * total)


def test_sigterm_finishes_the_batch_and_relays_it(fleet: Fleet) -> None:
    fleet.start("relay", "relay", "events")
    fleet.worker("one")
    fleet.append(3_000)
    fleet.until(lambda: fleet.after(Counting.consumer) > 0)
    worker = fleet.processes["one"]
    worker.terminate()
    assert worker.wait(30) == 0, fleet.logs()
    done = fleet.after(Counting.consumer)
    assert fleet.after("relay:alerts") == done == sum(fleet.store.end(ALERTS, p) for p in range(PARTITIONS))
    fleet.worker("one")
    fleet.until(lambda: fleet.after("relay:alerts") == 3_000)
    assert_exact(fleet, 3_000)
