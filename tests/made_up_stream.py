"""A long made-up stream of events with alerts among them, the same for the same seed. Knows no store and no process.

Mostly articles and mild statements; strong statements (an alert each), meetings with watched contacts of Almoria that
no register shows (an alert each, after days), and register entries that come late and close some of them.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from almenara.app.case import event_entry
from almenara.domain.event import Event
from almenara.ingest.ticker import tick_entries
from almenara.ports.log import Entry

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 120
COUNTRIES = ("PER", "CHL", "CHN", "XAL", "ARG", "BOL", "BRA", "VEN")
STRONG = "This is a smear and a pure fabrication."
MILD = "We take note of what the United States said, and go on talking."
OFFICIALS = (("xal-o-voss", "Irena Voss"), ("xal-o-kelder", "Tomas Kelder"), ("xal-o-marn", "Ulla Marn"))
CONTACTS = (("xal-p-b", "Oren Talvik"), ("xal-p-d", "Sela Brandt"))
REGISTERS = ("xal_visits", "xal_agenda")


def made_up_stream(seed: int, count: int, *, statements: int, meetings: int, partitions: int) -> tuple[Entry, ...]:
    """`count` events with so many strong statements and meetings, and their ticks (every six hours), in order."""
    chance = random.Random(seed)
    events = [*_statements(chance, statements), *_meetings(chance, meetings), *_readings(chance)]
    events += [_ordinary(chance, number) for number in range(count - len(events))]
    assert len(events) == count
    waiting = sorted(events, key=lambda event: (event.recorded, event.id))
    found: list[Entry] = []
    place = 0
    for hours in range(0, (DAYS + 8) * 24, 6):
        tick = START + timedelta(hours=hours)
        while place < len(waiting) and waiting[place].recorded < tick:
            found.append(event_entry(waiting[place]))
            place += 1
        found += tick_entries(tick, partitions)
    return (*found, *(event_entry(event) for event in waiting[place:]))


def _moment(chance: random.Random) -> datetime:
    return START + timedelta(seconds=chance.randrange(int(DAYS * DAY.total_seconds())))


def _event(uid: str, type_: str, time: datetime, country: str, data: dict[str, Any], **more: Any) -> Event:
    known = {"recorded": time + timedelta(hours=1), **more}
    return Event(id=uid, source="made-up", type=type_, time=time, country=country, data=data, **known)


def _ordinary(chance: random.Random, number: int) -> Event:
    country, time = chance.choice(COUNTRIES), _moment(chance)
    if number % 3:
        summary = {"en": f"An article of no consequence, number {number}.", "es": f"Un artículo, número {number}."}
        return _event(f"article-{number}", "article.published", time, country, {"summary": summary})
    return _event(f"mild-{number}", "statement.made", time, country, _said(f"Speaker {number % 50}", country, MILD))


def _said(name: str, country: str, text: str) -> dict[str, Any]:
    return {
        # for a party: a state's hostile statements would all join one growing alert of sustained rhetoric
        "speaker": {"name": name, "country": country, "office": "foreign_minister", "speaks_for": "party"},
        "attribution": "direct",
        "target": {"country": "USA"},
        "text": text,
        "language": "en",
        "sources": [{"name": "herald.example", "grade": "F"}],
        "countries": {"actor": [country], "target": ["USA"]},
    }


def _statements(chance: random.Random, count: int) -> Iterator[Event]:
    for number in range(count):
        country = chance.choice(COUNTRIES)
        data = _said(f"Speaker {number}", country, STRONG)
        yield _event(f"strong-{number}", "statement.made", _moment(chance), country, data)


def _meetings(chance: random.Random, count: int) -> Iterator[Event]:
    """Three days apart for the same two people, so that none joins another; a fifth of them is registered late."""
    slots = [(day, pair) for day in range(0, DAYS - 3, 3) for pair in product(OFFICIALS, CONTACTS)]
    for number, (day, (official, contact)) in enumerate(sorted(chance.sample(slots, count))):
        time = START + timedelta(days=day, hours=12, minutes=chance.randrange(600))
        data = {
            "official": {"id": official[0], "name": official[1]},
            "counterpart": {"id": contact[0], "name": contact[1]},
            "sources": [{"name": "herald.example", "grade": "F"}],
            "countries": {"actor": ["XAL"]},
        }
        yield _event(f"meeting-{number}", "meeting.held", time, "XAL", data, recorded=time + DAY)
        if chance.random() < 0.2:
            entry = {
                "host": {"id": official[0], "name": official[1]},
                "visitor": {"id": contact[0], "name": contact[1]},
                "sources": [{"name": "xal_visits", "grade": "B"}],
                "countries": {"actor": ["XAL"]},
            }
            late = time + timedelta(days=7, hours=chance.randrange(12))
            yield _event(f"entry-{number}", "meeting.registered", time, "XAL", entry, recorded=late)


def _readings(chance: random.Random) -> Iterator[Event]:
    """The registers, read once a day; some days nobody reads, so that some absences cannot be checked in time."""
    for day in range(1, DAYS + 7):
        for register in REGISTERS:
            if day % 30 > 4:
                time = START + timedelta(days=day, minutes=chance.randrange(300))
                covers = {"from": START.isoformat(), "until": (time - timedelta(hours=6)).isoformat()}
                data = {"source": {"id": register}, "outcome": "new", "covers": covers}
                yield _event(f"{register}-{day}", "source.checked", time, "XAL", data, recorded=time)
