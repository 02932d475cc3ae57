"""What every detector is: it takes the signals of its members, ticks and removals, and says what follows.

A detector never asks where its signals come from: an event that met a rule, or, chained, a detection of another one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from almenara.domain.alert import Matched
from almenara.domain.event import Event
from almenara.domain.ids import content_id
from almenara.engine.detection import Detection
from almenara.engine.rule import Correlation
from almenara.engine.view import View


@dataclass(slots=True)  # nobody changes one; not frozen, because to fill a frozen one takes three times as long
class Signal:
    """A member held. `view` is the event that keys and values are read from, `evidence` what an alert shows for it.

    `settled` marks the correction of an event that was known before, `again` a chained detection that has changed
    since it was first said. `matched` says why the member held.
    """

    member: str
    view: View
    evidence: tuple[Event, ...]
    matched: Callable[[], tuple[Matched, ...]]
    settled: bool = False
    again: bool = False

    @property
    def event(self) -> Event:
        """The event that keys and values are read from."""
        return self.view.event


class Detector(Protocol):
    """Runs one correlation over one partition. What it remembers is its state, a plain value."""

    @property
    def rule(self) -> Correlation:
        """The rule that it runs."""

    def is_late(self, signal: Signal, clock: datetime) -> bool:
        """Whether the signal comes too late to be counted; it is kept from the detector and recorded as late."""

    def on_signal(self, signal: Signal, clock: datetime) -> list[Detection]:
        """Takes what one member said."""

    def on_tick(self, clock: datetime) -> list[Detection]:
        """The stream's clock has moved on, however far."""

    def remove(self, event_id: str, clock: datetime, *, correcting: bool = False) -> list[Detection]:
        """Takes an event out again (withdrawn, or about to come back corrected)."""

    def settle(self, clock: datetime) -> list[Detection]:
        """The end of a correction."""

    def holds(self, event_id: str) -> bool:
        """Whether the event is remembered."""

    def account(self, event_id: str) -> Iterator[str]:
        """What is known of the event, in words, for those who ask why there was no alert."""

    def waiting(self) -> Iterable[tuple[Event, datetime]]:
        """What waits for a deadline."""


def chained(detection: Detection, zones: Mapping[str, str], scope: str) -> Signal:
    """What a rule said as a signal for the correlations over it.

    Its time and fields are those of the event at which it became true, else of the latest, with the key's on top.
    """
    last = detection.moment or max(detection.events, key=lambda event: (event.time, event.id))
    event = Event(
        id=chained_id(detection),
        source=last.source,
        type=last.type,
        time=last.time,
        until=last.until,
        recorded=max(event.recorded for event in detection.events),
        country=last.country,
        data={**last.data, **detection.key},
        position=last.position,
    )
    evidence = tuple(detection.events)
    return Signal(detection.rule, View(event, zones, scope=scope), evidence, lambda: detection.matched)


def chained_id(detection: Detection) -> str:
    """The id under which correlations know a detection: the same for all that is said of one alert."""
    return content_id("signal", detection.rule, dict(detection.key), detection.slot)
