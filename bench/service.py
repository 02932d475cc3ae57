"""The services around the engine, as the benchmark runs them: a record of generated events, folded and replayed."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from almenara.adapters.sql.store import SqlStore, open_sqlite
from almenara.app.activation import activate_audience, activate_rules, check
from almenara.app.embedded import Embedded
from almenara.app.replay import replay_alerts
from almenara.domain.alert import AlertChanged
from almenara.domain.audience import Audience
from almenara.domain.event import Event
from almenara.engine.ruleset import Content
from almenara.ingest.intake import event_entry
from almenara.ports.log import ALERTS, read_range
from almenara.ports.store import Store
from almenara.ports.wire import decode_alerts
from almenara.rules.service import RulesProcessor
from events import START

PARTITIONS: Final = 4


def activate(store: Store, rules: Content) -> None:
    """The rules go live, with nobody to be told."""
    activate_rules(store, check(rules), START, by="bench", reason="bench")
    activate_audience(store, Audience(subscribers=()), START, by="bench", reason="bench")


def record(path: Path, rules: Content, events: Sequence[Event]) -> int:
    """A record in a SQLite file: these rules, these events, and the alerts they led to. How many changes of alerts."""
    with closing(open_sqlite(path, PARTITIONS)) as store:
        activate(store, rules)
        store.append([event_entry(event) for event in events])
        Embedded(store, [RulesProcessor(store)]).pump()
        return alerts_in(store)


def alerts_in(store: Store) -> int:
    """How many changes of alerts the store holds."""
    records = (r for partition in range(PARTITIONS) for r in read_range(store, ALERTS, partition))
    return sum(isinstance(decode_alerts(record.body), AlertChanged) for record in records)


@contextmanager
def opened(path: Path) -> Iterator[SqlStore]:
    """The record, to be read."""
    with closing(open_sqlite(path)) as store:
        yield store


def replayed(path: Path, partitions: Sequence[int]) -> int:
    """These partitions of the record folded again and compared. How many records of alerts were the same.

    Raises ValueError at a difference.
    """
    with opened(path) as store:
        found = replay_alerts(store, partitions=partitions)
    for part in found:
        if part.difference:
            raise ValueError(str(part.difference))
    return sum(part.compared for part in found)
