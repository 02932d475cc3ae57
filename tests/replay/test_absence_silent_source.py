"""A source that falls silent, by the shipped rule, over two months of readings: found each time, in bounded space."""

from datetime import datetime, timedelta

from almenara.domain.event import Event
from almenara.engine.engine import Engine, dump, load
from case_run import shipped

START = datetime.fromisoformat("2030-01-01T00:00:00+00:00")
HALF_HOUR = timedelta(minutes=30)
DAYS = 60
DOWN = {"pe_gestion": ((10, 40), (31, 4)), "us_federal_register": ((45, 200),)}
"""When a source was down: the day on which it fell silent, at midnight, and for how many half hours."""


def is_down(source: str, number: int) -> bool:
    return any(day * 48 <= number < day * 48 + long for day, long in DOWN.get(source, ()))


def reading(source: str, number: int) -> Event:
    at = START + number * HALF_HOUR
    covers = {"from": (at - timedelta(days=2)).isoformat(), "until": at.isoformat()}
    data = {"source": {"id": source}, "outcome": "unchanged", "covers": covers, "polled": True, "rows": 0}
    return Event(
        id=f"{source}/{number}", source=source, type="source.checked", time=at, recorded=at, country="PER", data=data
    )  # fmt: skip


def test_each_silence_is_told_once_and_nothing_grows() -> None:
    engine = Engine(shipped().ruleset, apart=True)
    found, sizes = [], []
    for number in range(DAYS * 48):
        at = START + number * HALF_HOUR
        tick = Event(id=f"tick/{number}", source="t", type="tick", time=at, recorded=at, country="ZZZ")
        found += engine.apply(tick).detections
        for source in ("pe_gestion", "us_federal_register", "us_state"):
            if not is_down(source, number):
                found += engine.apply(reading(source, number)).detections
        if number % 48 == 47:
            body = dump(engine.state)
            sizes.append(len(body))
            engine = Engine(engine.ruleset, load(body), apart=True)
    told = [(str(d.what), d.key["source.id"], d.at - START) for d in found]
    three_hours_on = timedelta(hours=2.5)  # three hours after the last reading, half an hour before midnight
    assert told == [
        ("raised", "pe_gestion", timedelta(days=10) + three_hours_on),
        ("raised", "us_federal_register", timedelta(days=45) + three_hours_on),
    ]
    assert max(sizes[3:]) < 1.1 * sizes[3]
