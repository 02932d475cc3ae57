"""The detector of thresholds: so many events, or so many different values, inside a sliding window of event time.

One alert per episode: as long as windows that hold the threshold share events, they are one alert, which grows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from almenara.domain.alert import Change, Reason
from almenara.domain.durations import format_duration
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.detectors.detector import Signal
from almenara.engine.detectors.keys import Key, keys_of, read_key
from almenara.engine.rule import AggregateRule


@dataclass(slots=True)
class Counted:
    """One event in the window, with the values it brings when values are counted."""

    event: Event
    values: tuple[str, ...] = ()


@dataclass(slots=True)
class Episode:
    """One alert of one key: its slot, and the ids of the events it holds."""

    slot: str
    members: list[str]


@dataclass(slots=True)
class KeyState:
    """The events of one key in order of (time, id), and its episodes, oldest first."""

    counted: list[Counted] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


class ThresholdState(msgspec.Struct, tag="aggregate"):
    """All that the detector remembers; it is its snapshot."""

    keys: dict[Key, KeyState] = {}


class ThresholdDetector:
    """Counts the events of one rule. `lateness` bounds how long events are kept; None keeps them for ever."""

    refuses_late = True

    def __init__(self, rule: AggregateRule, state: ThresholdState, lateness: timedelta | None) -> None:
        self.rule = rule
        self.state = state
        self._lateness = lateness

    def on_signal(self, signal: Signal, clock: datetime) -> list[Detection]:
        """Counts the event under each of its keys."""
        found: list[Detection] = []
        view = signal.view
        for key in keys_of(self.rule, signal.member, view):
            state = self.state.keys.setdefault(key, KeyState())
            if any(counted.event.id == view.event.id for counted in state.counted):
                continue
            distinct = [value for path in self.rule.fields for value in view.values(path)]
            state.counted.append(Counted(view.event, tuple(str(value) for value in distinct if value is not None)))
            state.counted.sort(key=lambda c: (c.event.time, c.event.id))
            held = self._held(state, view.event)
            if held:
                found.append(self._grow(key, state, held, view.event, clock))
            self._forget(state, clock)
        return found

    def holds(self, event_id: str) -> bool:
        """Whether the event is counted."""
        return any(c.event.id == event_id for state in self.state.keys.values() for c in state.counted)

    def remove(self, event_id: str, clock: datetime, *, correcting: bool = False) -> list[Detection]:
        """Takes an event out again (withdrawn or corrected) and says which alerts fall or shrink with it."""
        found: list[Detection] = []
        for key, state in self.state.keys.items():
            if not any(counted.event.id == event_id for counted in state.counted):
                continue
            state.counted = [counted for counted in state.counted if counted.event.id != event_id]
            for episode in [e for e in state.episodes if event_id in e.members]:
                episode.members.remove(event_id)
                held = [c.event for c in state.counted if c.event.id in episode.members]
                stands = any(self._enough(self._window(state, event.time)) for event in held)
                if not stands:
                    state.episodes.remove(episode)
                what = Change.UPDATED if stands else Change.RETRACTED
                found.append(
                    self._say(what, Reason.SOURCE_WITHDRAWN, key=key, episode=episode, events=held, clock=clock)
                )
        return found

    def on_tick(self, clock: datetime) -> list[Detection]:
        """A threshold needs no clock."""
        return []

    def settle(self, clock: datetime) -> list[Detection]:
        """A threshold says all at once."""
        return []

    def waiting(self) -> list[tuple[Event, datetime]]:
        """A threshold waits for nothing."""
        return []

    def account(self, event_id: str) -> Iterator[str]:
        """What is known of the event, for each of its keys."""
        for key, state in self.state.keys.items():
            event = next((counted.event for counted in state.counted if counted.event.id == event_id), None)
            if event is not None:
                held = [episode for episode in state.episodes if event_id in episode.members]
                verb = f"counted, part of an alert of {len(held[0].members)} events" if held else "not raised: counted"
                near = [c for c in state.counted if abs(c.event.time - event.time) < self.rule.timespan]
                timespan, bound = format_duration(self.rule.timespan), f"{self.rule.bound:g}"
                yield f"{verb}; {len(near)} of its key within {timespan}, {bound} are needed"
                yield f"  key {key}"

    def _held(self, state: KeyState, event: Event) -> list[Counted]:
        """The events of every window that holds the threshold and this event; empty when there is none."""
        ends = [c.event.time for c in state.counted if timedelta(0) <= c.event.time - event.time < self.rule.timespan]
        windows = [window for end in ends if self._enough(window := self._window(state, end))]
        ids = {counted.event.id for window in windows for counted in window}
        return [counted for counted in state.counted if counted.event.id in ids]

    def _window(self, state: KeyState, end: datetime) -> list[Counted]:
        return [c for c in state.counted if timedelta(0) <= end - c.event.time < self.rule.timespan]

    def _size(self, window: Sequence[Counted]) -> int:
        return len({value for c in window for value in c.values}) if self.rule.fields else len(window)

    def _enough(self, window: Sequence[Counted]) -> bool:
        return self._size(window) >= self.rule.bound

    def _grow(self, key: Key, state: KeyState, window: Sequence[Counted], event: Event, clock: datetime) -> Detection:
        ids = [counted.event.id for counted in window]
        episode = next((e for e in reversed(state.episodes) if set(ids) & set(e.members)), None)
        if episode is None:
            episode = Episode(ids[0], ids)
            state.episodes.append(episode)
            events = [counted.event for counted in window]
            return self._say(
                Change.RAISED, Reason.DETECTED, key=key, episode=episode, events=events, clock=clock, last=event
            )
        episode.members += [i for i in ids if i not in episode.members]
        events = [c.event for c in state.counted if c.event.id in episode.members]
        return self._say(
            Change.UPDATED, Reason.MORE_EVENTS, key=key, episode=episode, events=events, clock=clock, last=event
        )

    def _say(
        self,
        what: Change,
        reason: Reason,
        *,
        key: Key,
        episode: Episode,
        events: Sequence[Event],
        clock: datetime,
        last: Event | None = None,
    ) -> Detection:
        # The triggering event comes last, whatever its time.
        ordered = (*(event for event in events if event is not last), *((last,) if last else ()))
        return Detection(
            what=what,
            rule=self.rule.name,
            key=read_key(key),
            slot=episode.slot,
            at=clock,
            reason=reason,
            events=ordered,
            joined=(last,) if last and what == Change.UPDATED else (),
        )

    def _forget(self, state: KeyState, clock: datetime) -> None:
        if self._lateness is not None:
            oldest = clock - self._lateness - self.rule.timespan
            # What stands in an alert is kept: a withdrawal years later must find what is left of it.
            told = {member for episode in state.episodes for member in episode.members}
            state.counted = [c for c in state.counted if c.event.time >= oldest or c.event.id in told]
