"""Runs the recorded cases over any store, and reads what came out. Shared by the replay, fault and end-to-end tests."""

import functools
from datetime import UTC, datetime
from pathlib import Path

from almenara.app.activation import Checked, activate_audience, activate_rules, check
from almenara.app.case import Step, load_case
from almenara.app.content import read_content
from almenara.app.embedded import Embedded
from almenara.domain.alert import AlertChanged
from almenara.domain.audience import Audience, Subscriber, Target, Want
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.route import RouteProcessor
from almenara.ports.log import ALERTS, STREAMS, Entry, LogReader, Record, read_range
from almenara.ports.store import Store
from almenara.ports.wire import decode_alerts
from almenara.rules.service import RulesProcessor

CONFIG = Path(__file__).parent.parent / "config"
WATCHED = ("PER", "CHL")
REGION = ("ARG", "BOL", "BRA", "COL", "ECU", "PRY", "URY", "VEN")
START = datetime(2025, 6, 4, 0, tzinfo=UTC)
PARTITIONS = 4

AUDIENCE = Audience(
    subscribers=(
        Subscriber(
            id="ana",
            wants=(Want(countries=("PER", "XAL"), levels=("high",)), Want(tags=("visa_list_change",))),
            targets=(Target(kind="mail", via="mail", address_hash="00"),),
            time_zone="America/Lima",
        ),
        Subscriber(
            id="desk",
            team=True,
            wants=(Want(countries=("PER", "CHL", "CHN", "XAL")),),
            targets=(
                Target(kind="slack", via="workspace", address_hash="01"),
                Target(kind="mail", via="mail", address_hash="02"),
            ),
            language="en",
        ),
    )
)


@functools.cache
def shipped() -> Checked:
    """The shipped ruleset, checked and tested."""
    return check(read_content(CONFIG, allowed_lateness_s=172_800))


@functools.cache
def steps(case: str) -> tuple[Step, ...]:
    """The steps of one case."""
    return tuple(load_case(CONFIG / "cases" / case, WATCHED, REGION))


@functools.cache
def case_entries(partitions: int = PARTITIONS, every: int = 1) -> tuple[Entry, ...]:
    """Both cases as entries, in order. `every` thins the ticks between moments (the moments' own always stay)."""
    found: list[Entry] = []
    for case in ("peru", "almoria"):
        for step in steps(case):
            kept = Step(step.at, (*step.ticks[:-1:every], *step.ticks[-1:]), step.events)
            found += kept.entries(partitions)
    return tuple(found)


def activate(store: Store) -> None:
    """The shipped rules and the test audience go live."""
    activate_rules(store, shipped(), START, by="test", reason="test")
    activate_audience(store, AUDIENCE, START, by="test", reason="test")


def processors(store: Store) -> list[RulesProcessor | RouteProcessor | PlanProcessor]:
    """The three folds, in the order in which records flow."""
    return [RulesProcessor(store), RouteProcessor(store), PlanProcessor(store, store.partitions)]


def run_embedded(store: Store, entries: tuple[Entry, ...], *, batch: int = 500) -> None:
    """Activates, appends everything at once and works until nothing is left."""
    activate(store)
    store.append(list(entries))
    Embedded(store, processors(store), batch=batch).pump()


def changes(log: LogReader) -> list[AlertChanged]:
    """Every change of an alert, in order of partition and sequence."""
    found = (decode_alerts(record.body) for record in stream(log, ALERTS))
    return [changed for changed in found if isinstance(changed, AlertChanged)]


def stream(log: LogReader, name: str) -> list[Record]:
    """All records of a stream, by partition and sequence."""
    return [record for partition in range(log.partitions) for record in read_range(log, name, partition)]


def bodies(log: LogReader, *names: str) -> dict[str, list[tuple[str, str, bytes]]]:
    """Position, id and bytes of every record of the named streams (default all)."""
    return {name: [(r.position, r.id, r.body) for r in stream(log, name)] for name in names or STREAMS}
