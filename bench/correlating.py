"""Small events of many keys for correlations: bursts to count, and announcements that are followed or not."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from almenara.domain.event import Event
from events import START

KEYS: Final = 100_000
WIDTH_S: Final = 3_600
LEAST: Final = 3
TIMESPAN_S: Final = 9_005  # ends between two moves of the clock
STEP_S: Final = 60
A_STEP: Final = 1_000  # events between two moves of the clock

COUNTING: Final = f"""
title: seen
name: seen
logsource: {{product: almenara, category: meeting.held}}
detection: {{s: {{key|exists: true}}, condition: s}}
---
title: Many within an hour
name: many
correlation: {{type: event_count, rules: [seen], group-by: [key], timespan: {WIDTH_S}s, condition: {{gte: {LEAST}}}}}
"""
ABSENCE: Final = f"""
title: announced
name: announced
logsource: {{product: almenara, category: A}}
detection: {{s: {{key|exists: true}}, condition: s}}
---
title: entered
name: entered
logsource: {{product: almenara, category: B}}
detection: {{s: {{key|exists: true}}, condition: s}}
---
title: Announced and never entered
name: absent
correlation:
  type: temporal
  rules: [announced, entered]
  group-by: [key]
  timespan: {TIMESPAN_S}s
  condition: announced and not entered
almenara: {{absence: {{anchor: announced}}}}
"""


def bursts(count: int, seed: int = 8) -> list[tuple[str, int]]:
    """So many (key, second) in order.

    Each burst lies in the first half of an hour, with an empty hour after it, so that what is inside a sliding hour is
    what is inside an hour of the clock.
    """
    drawn = random.Random(seed)
    burst = max(1, count // 10)
    return [
        (f"k{drawn.randrange(KEYS)}", number // burst * 2 * WIDTH_S + number % burst * (WIDTH_S // 2) // burst)
        for number in range(count)
    ]


def followed(count: int, seed: int = 9) -> list[tuple[int, str, str]]:
    """So many (second, A or B, key) in order, no key twice in the same second; one A, far later, moves the clock."""
    drawn = random.Random(seed)
    found: list[tuple[int, str, str]] = []
    for start in range(0, count, A_STEP):
        at = start // A_STEP * STEP_S
        keys = drawn.sample(range(KEYS), min(A_STEP, count - start))
        found += [(at, "A" if drawn.random() < 0.6 else "B", f"k{key}") for key in keys]
    return [*found, (10 * count, "A", "last")]


def counted_events(stream: Sequence[tuple[str, int]]) -> list[Event]:
    """The bursts as events."""
    return [_event(number, at, "meeting.held", key) for number, (key, at) in enumerate(stream)]


def followed_events(stream: Sequence[tuple[int, str, str]]) -> list[Event]:
    """The announcements and entries as events; the id is the number in the stream."""
    return [_event(number, at, kind, key) for number, (at, kind, key) in enumerate(stream)]


def batches(events: Sequence[Event]) -> list[list[Event]]:
    """The events between two moves of the clock, at most so many together."""
    return [piece for _, second in groupby(events, key=lambda e: e.recorded) for piece in _pieces(list(second))]


def _pieces(events: list[Event]) -> Iterator[list[Event]]:
    for start in range(0, len(events), A_STEP):
        yield events[start : start + A_STEP]


def _event(number: int, second: int, kind: str, key: str) -> Event:
    at = START + timedelta(seconds=second)
    return Event(
        id=str(number), source="bench", type=kind, time=at, recorded=at, country="PER", data={"key": key}, position=""
    )
