"""How fast Almenara is, as ratios in one run on this machine: `make bench`.

Everything is told against D, the rate at which the same bytes are decoded as bare JSON, because machines differ and are
noisy; only ratios of one run may be compared. Every path must give the same number of alerts before a time is printed.

    python bench/run.py [--events N] [--rules N] [--at-least SECONDS] [--no-kafka]
"""

# ruff: noqa: T201 - its table is what it is for

import argparse
import asyncio
import gc
import logging
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "services"), str(ROOT / "tests"), str(Path(__file__).parent)]

import msgspec  # noqa: E402
from events import START, events, rules  # noqa: E402

from almenara.adapters.memory import MemoryStore  # noqa: E402
from almenara.app.activation import Checked, activate_audience, activate_rules, check  # noqa: E402
from almenara.app.embedded import Embedded  # noqa: E402
from almenara.app.replay import replay_alerts  # noqa: E402
from almenara.domain.alert import AlertChanged  # noqa: E402
from almenara.domain.audience import Audience, Subscriber, Target, Want  # noqa: E402
from almenara.engine.engine import Engine  # noqa: E402
from almenara.ingest.intake import event_entry  # noqa: E402
from almenara.notifier.route import RouteProcessor  # noqa: E402
from almenara.ports.log import ALERTS, EVENTS, NOTICES, read_range  # noqa: E402
from almenara.ports.store import Store  # noqa: E402
from almenara.ports.wire import decode_alerts, decode_event, encode_event  # noqa: E402
from almenara.rules.service import RulesProcessor  # noqa: E402

try:  # what performance.md measured against; not needed, so not required
    import orjson

    loads: Callable[[bytes], object] = orjson.loads
    BARE = "orjson.loads"
except ImportError:
    loads = msgspec.json.decode
    BARE = "msgspec.json.decode"

PARTITIONS = 4
KAFKA_LIMIT_S = 300.0
AUDIENCE = Audience(
    subscribers=(
        Subscriber(id="desk", wants=(Want(),), targets=(Target(kind="mail", via="mail", address_hash="00"),)),
        Subscriber(
            id="peru", wants=(Want(countries=("PER",)),), targets=(Target(kind="mail", via="mail", address_hash="01"),)
        ),
    )
)


class Wrong(Exception):
    """Two paths do not agree: nothing that was measured means anything."""


class Bench:
    """The events, the rules and the rates (events per second) found so far, in order."""

    def __init__(self, count: int, rule_count: int, at_least_s: float) -> None:
        self.at_least_s = at_least_s
        self.events = events(count)
        self.bodies = [encode_event(event) for event in self.events]
        self.entries = [event_entry(event) for event in self.events]
        self.checked: Checked = check(rules(rule_count))
        self.rates: dict[str, float] = {}
        self.skipped: dict[str, str] = {}
        self.alerts = 0

    def measure(self, name: str, work: Callable[[], object]) -> None:
        """Repeats work over all events, three times or for as long as asked; the best run counts."""
        runs = [seconds(work)]
        while sum(runs) < self.at_least_s or len(runs) < 3:
            runs.append(seconds(work))
        best = min(runs)
        self.rates[name] = len(self.events) / best

    def agree(self, name: str, alerts: int) -> None:
        """Raises Wrong unless this path gave as many alerts as the first."""
        if alerts != self.alerts:
            raise Wrong(f"{name} gives {alerts} alerts, the engine alone {self.alerts}")


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes, without the garbage of others."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def decoding(bench: Bench) -> None:
    """D, and the decoding of events."""
    bench.measure("D", lambda: [loads(body) for body in bench.bodies])
    if [decode_event(body) for body in bench.bodies] != bench.events:
        raise Wrong("events do not come back as they were")
    bench.measure("decode", lambda: [decode_event(body) for body in bench.bodies])


def evaluation(bench: Bench) -> None:
    """The rules alone, on decoded events."""

    def work() -> int:
        engine = Engine(bench.checked.ruleset)
        return sum(len(engine.apply(event).detections) for event in bench.events)

    bench.alerts = work()
    if not bench.alerts:
        raise Wrong("no rule fires: there is nothing to measure")
    bench.measure("rules", work)


def embedded(bench: Bench, name: str, stores: Callable[[], Iterator[Store]]) -> None:
    """Appended events through both folds to notices, over fresh stores; then, for one of them, the replay."""
    best = float("inf")
    for _ in range(3):
        with contextmanager(stores)() as store:
            prepare(store, bench)
            pump = Embedded(store, [RulesProcessor(store), RouteProcessor(store)]).pump
            pump()  # the activations
            store.append(bench.entries)
            best = min(best, seconds(pump))
            bench.agree(name, alerts_in(store))
            bench.agree(f"{name}, notices", notices_in(store) // len(AUDIENCE.subscribers))
            if name == "memory":
                replaying(bench, store)
    bench.rates[name] = len(bench.events) / best


def replaying(bench: Bench, store: Store) -> None:
    """The alerts folded again from the log and compared byte for byte."""
    found = replay_alerts(store)
    if any(part.difference for part in found):
        raise Wrong(f"the replay differs: {[str(part.difference) for part in found if part.difference]}")
    bench.agree("replay", sum(part.compared for part in found) - PARTITIONS)  # each has one activation passed on
    if "replay" not in bench.rates:
        bench.measure("replay", lambda: replay_alerts(store))


def prepare(store: Store, bench: Bench) -> None:
    """Rules and audience go live."""
    activate_rules(store, bench.checked, START, by="bench", reason="bench")
    activate_audience(store, AUDIENCE, START, by="bench", reason="bench")


def alerts_in(store: Store) -> int:
    """How many alert changes the store holds."""
    records = (r for partition in range(PARTITIONS) for r in read_range(store, ALERTS, partition))
    return sum(isinstance(decode_alerts(record.body), AlertChanged) for record in records)


def notices_in(store: Store) -> int:
    """How many notices the store holds."""
    return sum(store.end(NOTICES, partition) for partition in range(PARTITIONS))


def in_memory() -> Iterator[Store]:
    """A store in memory."""
    yield MemoryStore(PARTITIONS)


def in_sqlite() -> Iterator[Store]:
    """A store in a SQLite file."""
    from almenara.adapters.sql.store import open_sqlite

    with tempfile.TemporaryDirectory(prefix="almenara-bench-") as folder:
        store = open_sqlite(Path(folder) / "almenara.sqlite", PARTITIONS)
        try:
            yield store
        finally:
            store.close()


def through_kafka(bench: Bench) -> None:
    """From the topic of events to the topic of notices, with the outboxes in memory; skipped without a broker."""
    from availability import Missing
    from kafka_server import running_kafka

    try:
        with running_kafka() as bootstrap:
            took = asyncio.run(_kafka_run(bench, bootstrap, f"b{uuid.uuid4().hex[:8]}."))
    except Missing as reason:
        bench.skipped["kafka"] = str(reason)
        return
    bench.rates["kafka"] = len(bench.events) / took


async def _kafka_run(bench: Bench, bootstrap: str, prefix: str) -> float:
    from almenara.adapters.kafka.subscriber import Consuming
    from almenara.adapters.kafka.topics import Topics
    from almenara.app.distributed import Distributed, run_processor, run_relays

    with Topics(bootstrap, prefix=prefix) as topics:
        topics.create(PARTITIONS)
    store = MemoryStore(PARTITIONS)
    prepare(store, bench)
    consuming = Consuming(prefix=prefix)

    async def until(done: Callable[[], bool], *running: "asyncio.Task[None]") -> None:
        async with asyncio.timeout(KAFKA_LIMIT_S):
            while not done():
                for task in running:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.005)

    def relayed(stream: str) -> bool:
        ends = sum(store.end(stream, partition) for partition in range(PARTITIONS))
        return after(store, f"relay:{stream}") == ends

    def worker(processor: RulesProcessor | RouteProcessor, writes: str) -> "asyncio.Task[None]":
        how = Distributed(writes=(writes,), consuming=consuming)
        return asyncio.create_task(
            run_processor(processor, store, bootstrap, partitions=PARTITIONS, stop=stop, how=how)
        )

    # Both workers are up and have taken the activations before the events are published, so that joining a group is
    # not measured; publishing the events is.
    stop = asyncio.Event()
    how = Distributed(writes=(EVENTS,), consuming=consuming)
    publishing = asyncio.create_task(run_relays(store, bootstrap, partitions=PARTITIONS, stop=stop, how=how))
    tasks = (publishing, worker(RulesProcessor(store), ALERTS), worker(RouteProcessor(store), NOTICES))
    wanted = bench.alerts * len(AUDIENCE.subscribers)
    try:
        await until(lambda: after(store, "notifier") == PARTITIONS, *tasks)
        started = time.perf_counter()
        store.append(bench.entries)
        await until(lambda: notices_in(store) >= wanted and relayed(EVENTS) and relayed(NOTICES), *tasks)
        took = time.perf_counter() - started
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    bench.agree("kafka", alerts_in(store))
    return took


def after(store: MemoryStore, consumer: str) -> int:
    """The sum of a consumer's positions."""
    return sum(lease.after for lease in store.positions() if lease.consumer == consumer)


def table(bench: Bench) -> str:
    """The rates and ratios as people read them."""
    size = sum(map(len, bench.bodies)) / len(bench.bodies)
    count = len(bench.checked.ruleset.rules)
    labels = {
        "D": f"D: bare JSON ({BARE})",
        "decode": "decode: bytes to events",
        "rules": f"{count} rules, evaluation only",
        "memory": "full path in memory (events to notices)",
        "sqlite": "full path through SQLite",
        "replay": "replay, the compiling of the rules included",
        "kafka": "full path through Kafka (publish to notices)",
    }
    lines = [
        f"{len(bench.events):,} events of {size:,.0f} bytes, {count} rules, {bench.alerts} alerts on every path;"
        f" Python {sys.version.split()[0]}",
        "",
        f"{'what':<48}{'events/s':>12}{'over D':>10}",
    ]
    for name, label in labels.items():
        if name in bench.rates:
            rate = bench.rates[name]
            lines.append(f"{label:<48}{rate:>12,.0f}{rate / bench.rates['D']:>10.4f}")
        else:
            lines.append(f"{label:<48}skipped: {bench.skipped.get(name, 'not asked for')}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="How fast Almenara is, as ratios in one run.")
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--at-least", type=float, default=1.0, help="seconds for which each piece is repeated")
    parser.add_argument("--no-kafka", action="store_true", help="do not start a broker")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the first join of a group tells of errors that pass
    bench = Bench(asked.events, asked.rules, asked.at_least)
    try:
        decoding(bench)
        evaluation(bench)
        embedded(bench, "memory", in_memory)
        embedded(bench, "sqlite", in_sqlite)
        if not asked.no_kafka:
            through_kafka(bench)
    except Wrong as wrong:
        print(f"wrong result, nothing is told: {wrong}", file=sys.stderr)
        return 1
    print(table(bench))
    return 0


if __name__ == "__main__":
    sys.exit(main())
