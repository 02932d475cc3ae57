"""The beacon: it passes every partition of every service, one after the other, and only then is the switch told."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.app.embedded import Embedded
from almenara.app.settings import load_settings
from almenara.app.stores import open_store
from almenara.audit.explain import deliveries, records
from almenara.domain.event import BEACON
from almenara.domain.notice import Beacon, DeliveryState
from almenara.ingest.ticker import beacon_entry
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.ports.log import ALERTS, EVENTS, NOTICES
from almenara.ports.processor import Processor
from almenara.ports.wire import decode_send
from almenara.rules.service import RulesProcessor
from cli_calls import small_config
from scenario.test_services import START, System
from switch import Switch

PARTITIONS = 4


def pumped(store: MemoryStore, *, without: str = "") -> MemoryStore:
    every: list[Processor] = [RulesProcessor(store), RouteProcessor(store), PlanProcessor(store, PARTITIONS)]
    Embedded(store, [one for one in every if one.consumer != without]).pump()
    return store


def test_it_goes_through_every_partition_of_every_stream_and_is_told_once() -> None:
    store = MemoryStore(PARTITIONS)
    for _ in range(2):  # a second ticker lights the same one
        store.append([beacon_entry(START)])
        pumped(store)
    for stream in (EVENTS, ALERTS, NOTICES):
        lit = [record.partition for record in records(store, stream) if record.id.startswith(BEACON)]
        assert lit == list(range(PARTITIONS)), stream
    [claim] = store.take(START + timedelta(days=1), START + timedelta(days=2), 10)
    found = decode_send(claim.send.body)
    assert isinstance(found, Beacon)
    assert found.slot == START


@pytest.mark.parametrize("without", ["rules", "notifier", "plan"])
def test_a_service_that_stands_still_is_missed(without: str) -> None:
    store = MemoryStore(PARTITIONS)
    store.append([beacon_entry(START)])
    assert pumped(store, without=without).pending() == 0


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    with Switch(tmp_path / "switch") as sink:
        yield sink


def test_the_switch_outside_hears_of_it(tmp_path: Path, switch: Switch) -> None:
    config = small_config(tmp_path / "config")
    with (config / "almenara.yaml").open("a") as file:
        file.write(f'heartbeat: {{canary_every: 10m, ping: "{switch.url}"}}\n')
    settings = load_settings(config, {}, {"data_dir": str(tmp_path / "data")})
    with closing(open_store(settings, create=True)) as store:
        system = System(store, config, settings)
        system.parts.start()
        store.append([beacon_entry(START)])
        system.go()
        assert switch.requests == 1
        [*_, last] = deliveries(store)
        assert (last.state, last.about, last.channel) == (DeliveryState.DELIVERED, "beacon", "heartbeat")
        assert "a-secret-of-ours" not in str(list(deliveries(store))) + str(settings)
