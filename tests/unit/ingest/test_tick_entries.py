"""Ticks as records: one for each partition, and the same for the same moment."""

from datetime import UTC, datetime, timedelta, timezone

from almenara.domain.event import TICK
from almenara.ingest.ticker import tick_entries
from almenara.ports.log import EVENTS
from almenara.ports.wire import decode_event

AT = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


def test_one_for_each_partition() -> None:
    entries = tick_entries(AT, 3)
    assert [entry.partition for entry in entries] == [0, 1, 2]
    assert {entry.stream for entry in entries} == {EVENTS}
    assert [entry.id for entry in entries] == [f"tick/{p}/2026-01-05T12:30:00Z" for p in range(3)]
    events = [decode_event(entry.body) for entry in entries]
    assert [event.id for event in events] == [entry.id for entry in entries]
    assert {(event.type, event.time, event.recorded) for event in events} == {(TICK, AT, AT)}


def test_the_same_moment_in_another_zone_is_the_same_tick() -> None:
    assert tick_entries(AT, 2) == tick_entries(AT.astimezone(timezone(timedelta(hours=-5))), 2)
