"""Rules change while two workers run on real Kafka: a good set, a bad one, and the way back, in the middle of the case.

Every partition takes a set at the position where its activation stands, whoever works on it: the same log folded in
memory gives the same bytes.
"""

import json
import random
from pathlib import Path

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.app.embedded import Embedded
from almenara.app.rule_sets import activated
from almenara.ports.log import ALERTS, BLOBS, EVENTS, Entry, LogReader, read_range
from almenara.ports.store import Store
from case_run import PARTITIONS, START, bodies, case_entries, changes, processors, stream
from distributed_system import Given, System, distributed, open_sinks, shares

WORKERS = ("rules-1", "rules-2")
OFFICES = "rules/offices.yml"
SUBSCRIBERS = "people: {ana: {mail: ana@example.org, wants: [{}]}}\n"

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


def edit(given: Given, old: str, new: str) -> None:
    path = given.config / OFFICES
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def activate(system: System, reason: str, *more: str) -> str:
    """The hash that is active now."""
    said = system.fleet.once("rules", "activate", "--reason", reason, "--by", "ops", *more, "--json")
    return str(json.loads(said.splitlines()[-1])["hash"])


def folded_again(log: LogReader, source: Store) -> MemoryStore:
    """The same events, folded in memory by one worker that saw all of them from the start."""
    store = MemoryStore(PARTITIONS)
    for digest in activated(log):
        store.put(source.get(digest))
    for partition in range(PARTITIONS):
        records = read_range(log, EVENTS, partition)
        store.append([Entry(EVENTS, one.key, one.id, one.body, partition) for one in records])
    blobs = (one for partition in range(PARTITIONS) for one in read_range(log, BLOBS, partition))
    for blob in blobs:
        store.put(blob.body)
    Embedded(store, processors(store)[:1]).pump()
    return store


def test_workers_take_a_new_set_at_one_position_of_each_partition(postgres_url: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with open_sinks(tmp_path) as sinks:
        given = Given(tmp_path / "system", sinks, SUBSCRIBERS, PARTITIONS)
        with distributed(given, postgres_url) as system:
            given.activate(system.store, START)
            first = given.checked.digest
            for name, service in (("ingest", "ingest"), *((worker, "rules") for worker in WORKERS)):
                system.fleet.start(name, "run", service)
            system.fleet.until(
                lambda: all(shares(system.fleet.said(name), PARTITIONS) for name in WORKERS), "sharing", 90
            )
            entries = case_entries(PARTITIONS)
            cuts = sorted(chance.sample(range(len(entries) // 2, len(entries)), 3))
            parts = [entries[start:end] for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True)]

            system.store.append(list(parts[0]))
            edit(given, "timespan: 180d", "timespan: 150d")
            second = activate(system, "fewer alarms")
            system.store.append(list(parts[1]))
            edit(given, "timespan: 150d", "timespan: soon")
            with pytest.raises(AssertionError, match="ended with 2") as refused:
                activate(system, "a mistake")
            assert OFFICES in str(refused.value)
            system.store.append(list(parts[2]))
            assert activate(system, "the old one was right", "--hash", first[:8]) == first != second
            system.store.append(list(parts[3]))

            system.fleet.until(lambda: rules_done(system), "working through the case", 120)
            assert set(system.fleet.stop().values()) == {0}, system.fleet.logs()
            assert len(stream(system.store, EVENTS)) == len(entries) + 4 * PARTITIONS  # 3 rulesets, 1 audience
            assert json.loads(system.fleet.once("audit", "replay", "--json"))["identical"]
            again = folded_again(system.store, system.store)
            assert bodies(again, ALERTS)[ALERTS] == bodies(system.store, ALERTS)[ALERTS]
            assert len(changes(again)) > 25
            assert {change.alert.ruleset for change in changes(again)} <= {first, second}


def rules_done(system: System) -> bool:
    return system.progress().get(("rules", EVENTS), 0) == system.length(EVENTS)
