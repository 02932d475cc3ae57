"""Whatever order events arrive in within the grace, the output is the same bytes: at 100,000 keys."""

import random
from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest

from absence_definition import T0, H, Terms
from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load

TERMS = Terms()
TICKS = [T0 + minutes * timedelta(minutes=10) for minutes in range(36 * 6)]


def events(keys: int) -> list[Event]:
    """Over twelve hours an A for each key and a B for every second one, inside its window or well outside."""
    chance = random.Random(7)
    found = []
    for number in range(keys):
        for type_ in ("meeting.held", "meeting.registered")[: 1 + number % 2]:
            time = T0 + timedelta(seconds=chance.randrange(43_200) - 36_000 * (type_ == "meeting.registered"))
            uid, data = f"{type_[8]}{number}", {"k": f"key-{number}"}
            found.append(
                Event(id=uid, source="t", type=type_, time=time, recorded=time, country="XAL", data=data)
            )  # fmt: skip
    return found


def output(arrivals: Iterable[tuple[Event, float]], *, restarts: int = 0) -> bytes:
    """What is said, as bytes, when each event arrives so many seconds after it happened."""
    order = sorted((event.time.timestamp() + delay, n, event) for n, (event, delay) in enumerate(arrivals))
    engine, found, place = Engine(TERMS.ruleset()), [], 0
    for number, at in enumerate(TICKS):
        tick = Event(id=f"tick/{number}", source="t", type="tick", time=at, recorded=at, country="ZZZ")
        found += engine.apply(tick).detections
        while place < len(order) and order[place][0] < at.timestamp() + 600:
            found += engine.apply(order[place][2]).detections
            place += 1
        if restarts and number % (len(TICKS) // restarts) == 1:
            engine = Engine(engine.ruleset, load(dump(engine.state)))
    assert place == len(order)
    return msgspec.json.encode(found)


@pytest.mark.parametrize(("keys", "restarts"), [(100_000, 0), (3_000, 5)])
def test_arrival_within_the_grace_changes_no_byte(keys: int, restarts: int) -> None:
    chance, known = random.Random(keys), events(keys)
    grace = TERMS.grace * H.total_seconds()
    in_order = output((event, 0) for event in known)
    assert in_order.count(b'"what":"raised"') > keys / 2
    twice = [*known, *chance.sample(known, len(known) // 20)]
    chance.shuffle(twice)
    assert output(((event, chance.uniform(0, grace)) for event in twice), restarts=restarts) == in_order
