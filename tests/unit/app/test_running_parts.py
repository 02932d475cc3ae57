"""Small parts of running services: what is active, health files, the intake, loops that end together."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.adapters.memory import MemoryStore
from almenara.app.activation import activate_audience
from almenara.app.active import Active
from almenara.app.clock import VirtualClock
from almenara.app.health import STALE_S, all_health, health_file, read_health, write_health
from almenara.app.intake import BACKFILL, DraftIntake, for_countries
from almenara.app.loops import pause, together
from almenara.app.sources import backwards
from almenara.domain.audience import Audience, Subscriber
from almenara.domain.errors import Rejected, Unreachable
from almenara.domain.event import CHECKED
from almenara.ingest.draft import Draft
from almenara.ingest.ticker import tick_entries
from almenara.ports.log import EVENTS, REJECTED
from almenara.ports.wire import decode_event

NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)


def draft(uid: str, **changed: object) -> Draft:
    given: dict[str, object] = {"id": uid, "source": "s", "type": "article.published", "time": NOW}
    return Draft(**(given | {"countries_key": ("PER",)} | changed))  # type: ignore[arg-type]


def test_the_intake_says_what_became_of_each() -> None:
    store = MemoryStore(2)
    intake = DraftIntake(store, VirtualClock(NOW))
    items = [draft("a"), draft("b", countries_key=("peru",)), draft("a"), Rejected("empty_item", "nothing")]
    report = intake.take(items, source="file")
    assert report.accepted[:1] == ["a"]
    assert [(name, error.reason) for name, error in report.rejected] == [
        ("file:2 (b)", "bad_country"),
        ("file:4", "empty_item"),
    ]
    again = intake.take(items, source="file")
    assert again.accepted == []
    assert sum(store.end(REJECTED, number) for number in range(2)) == 2  # the same refusal is recorded once


def test_the_intake_takes_more_than_one_batch() -> None:
    store = MemoryStore(1)
    report = DraftIntake(store, VirtualClock(NOW)).take(draft(str(number)) for number in range(1_203))
    assert len(report.accepted) == store.end(EVENTS, 0) == 1_203


def test_only_old_items_of_a_first_reading_are_backfill() -> None:
    store = MemoryStore(1)
    old = NOW - timedelta(days=2)
    reading = draft("r", type=CHECKED, time=old, data={"source": {"id": "s"}})
    items = [draft("new"), draft("old", time=old, data={"flags": ["no_date"]}), reading]
    DraftIntake(store, VirtualClock(NOW)).take(items, first_reading=True)
    flags = {r.id: decode_event(r.body).data.get("flags") for r in store.read(EVENTS, 0, 0)}
    assert flags == {"new": None, "old": [BACKFILL, "no_date"], "r": None}


def test_a_reading_is_published_once_for_each_country() -> None:
    assert for_countries(draft("r"), ["CHL", "PER"]).countries_key == ("PER", "CHL")


def test_what_is_active_is_found_behind_many_records() -> None:
    store = MemoryStore(2)
    assert (Active(store).refresh().ruleset, Active(store).refresh().audience) == ("", "")
    activate_audience(store, Audience(), NOW, by="t", reason="t")
    for minute in range(2_500):
        store.append(tick_entries(NOW + timedelta(minutes=minute), 2))
    active = Active(store).refresh()
    first = active.audience
    assert first
    other = Audience(subscribers=(Subscriber(id="ana"),))
    activate_audience(store, other, NOW + timedelta(days=9), by="t", reason="t")
    assert active.refresh().audience not in ("", first)
    assert active.audience == Active(store).refresh().audience


def test_backwards_is_the_reverse_of_forwards() -> None:
    store = MemoryStore(1)
    for minute in range(2_345):
        store.append(tick_entries(NOW + timedelta(minutes=minute), 1))
    assert [record.sequence for record in backwards(store, EVENTS, 0)] == list(range(2_345, 0, -1))


def test_health_files(tmp_path: Path) -> None:
    assert all_health(tmp_path) == []
    write_health(health_file(tmp_path, "rules"), "rules", NOW, stopped={})
    assert read_health(tmp_path, "ticker") is None
    (found,) = all_health(tmp_path, NOW)
    assert (found.service, found.healthy) == ("rules", True)
    stale = read_health(tmp_path, "rules", NOW + timedelta(seconds=STALE_S + 1))
    assert stale is not None
    assert not stale.healthy
    write_health(health_file(tmp_path, "rules"), "rules", NOW, stopped={"3": "a gap"})
    (found,) = all_health(tmp_path, NOW)
    assert found.trouble == "partition 3 stopped: a gap"
    health_file(tmp_path, "rules").write_text("{")
    assert not all_health(tmp_path, NOW)[0].healthy


async def test_when_one_loop_fails_all_end_and_the_failure_is_raised() -> None:
    stop = asyncio.Event()
    ended: list[str] = []

    async def works() -> None:
        await stop.wait()
        ended.append("works")

    async def fails() -> None:
        await pause(stop, 0.01)
        raise Unreachable("gone")

    with pytest.raises(Unreachable, match="gone"):
        await together(stop, works(), fails())
    assert ended == ["works"]


async def test_stop_ends_all_loops() -> None:
    stop = asyncio.Event()

    async def works() -> None:
        while not stop.is_set():
            await pause(stop, 10)

    asyncio.get_running_loop().call_later(0.01, stop.set)
    await together(stop, works(), works())
