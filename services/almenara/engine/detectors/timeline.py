"""The detector of everything that is judged by the counted events of a key in order of their time.

It never decides by order of arrival: whatever comes in or is taken out, the entries that this may concern are judged
again, and what follows is compared with what was said before. So a late, corrected or withdrawn event leads to what
would stand had it always been so.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from almenara.domain.alert import Change, Matched, Reason
from almenara.domain.event import Event
from almenara.engine.detection import Detection
from almenara.engine.detectors.beginnings import Beginnings, Firsts, Signals
from almenara.engine.detectors.detector import Signal
from almenara.engine.detectors.episodes import Episode, Group
from almenara.engine.detectors.keys import Key, Keys, read_key
from almenara.engine.detectors.moments import length, micros, moment
from almenara.engine.detectors.packed import PackedEvents, pack, unpack
from almenara.engine.detectors.patterns import Pattern
from almenara.engine.detectors.standing import account
from almenara.engine.detectors.tracks import Entry, Range, Tracks, TracksState
from almenara.engine.detectors.waiting import Counted, Waiting, WaitingState
from almenara.engine.rule import NO_TIME, Correlation, WindowRule

_WHY: Final = msgspec.msgpack.Decoder(tuple[Matched, ...])


class TimelineState(msgspec.Struct, tag="timeline"):
    """All that the detector remembers; it is its snapshot. `longest` is that of all intervals, in microseconds."""

    tracks: TracksState = msgspec.field(default_factory=TracksState)
    episodes: dict[Key, list[Episode]] = {}
    firsts: dict[str, Firsts] = {}
    waiting: WaitingState = msgspec.field(default_factory=WaitingState)
    longest: int = 0


@dataclass(slots=True)
class _Cause:
    """Why entries are judged again. `changed` are the events that came in or changed, `gone` those taken out."""

    grown: Reason
    lost: Reason
    changed: tuple[str, ...] = ()
    gone: dict[str, Entry] = field(default_factory=dict)


@dataclass(slots=True)
class _Pending:
    """What one correction has touched of a key, to be decided when it is complete."""

    start: int
    end: int
    changed: tuple[str, ...] = ()
    gone: dict[str, Entry] = field(default_factory=dict)


class TimelineDetector:
    """Runs one rule over its pattern. `lateness` bounds how long events are kept; None keeps them for ever."""

    def __init__(self, rule: Correlation, pattern: Pattern, state: TimelineState, lateness: timedelta | None) -> None:
        self.rule = rule
        self.state = state
        self._pattern = pattern
        self._allowed = lateness
        self._lateness = None if lateness is None else length(lateness)
        self._grace = length(rule.grace)
        # What a member of its own kind says may be of long ago: as long as that one looks back, things are kept.
        fed_from = rule.fed_from if isinstance(rule, WindowRule) else NO_TIME
        self._fed_from = None if fed_from is None else length(fed_from)
        self._keys = Keys(rule)
        self._members = {member: 1 << number for number, member in enumerate(rule.rules)}
        self._tracks = Tracks(pattern.span, state.tracks, self._spared)
        self._beginnings = Beginnings(state.firsts, pattern.quiet, self._remembered)
        self._waiting = Waiting(state.waiting)
        # Both live only while one correction is taken: what it touched by key, and the deadlines of what waited.
        self._touched: dict[Key, _Pending] = {}
        self._deadlines: dict[str, int] = {}

    def is_late(self, signal: Signal, clock: datetime) -> bool:
        """Whether the event became known later than the ruleset's lateness allows."""
        return self._allowed is not None and signal.event.recorded - signal.event.end > self._allowed

    def on_signal(self, signal: Signal, clock: datetime) -> list[Detection]:
        """Counts the event under each of its keys, at once or when its grace has passed."""
        counted = self._read(signal)
        if counted is None:
            return []
        if signal.settled:
            due = self._deadlines.get(counted.entry.uid)
            if due is None:
                return self._take(counted, clock, settled=True)
            counted.due = due
        elif not self._grace:
            return self._take(counted, clock)
        now = micros(clock)
        if counted.due <= now == self.state.waiting.taken:
            return self._take(counted, clock)
        self._waiting.add(counted)
        return []

    def on_tick(self, clock: datetime) -> list[Detection]:
        """Takes what has waited its grace, in order of (due, time, id), however far the clock jumped."""
        if not self._grace:
            return []
        self.state.waiting.taken = now = micros(clock)
        return [said for counted in self._waiting.due(now) for said in self._take(counted, clock)]

    def remove(self, event_id: str, clock: datetime, *, correcting: bool = False) -> list[Detection]:
        """Takes an event out again. A correction brings it back, changed: `settle` says what follows from both."""
        waited = self._waiting.remove(event_id)
        if waited and correcting:
            self._deadlines[event_id] = min(one.due for one in waited)
        found: list[Detection] = []
        for key in self._tracks.keys_of(event_id):
            entry = self._discard(key, event_id)
            if entry is None:
                continue
            moved = self._begin(key, entry, gone=True)
            pending = self._judge(key, entry, gone=True)
            if correcting:
                self._note(key, pending or _Pending(entry.time, entry.time + 1), entry)
            elif pending:
                gone = {event_id: entry}
                cause = _Cause(Reason.SOURCE_WITHDRAWN, Reason.SOURCE_WITHDRAWN, gone=gone)
                found += self._decide(key, (pending.start, pending.end), cause, clock)
            if moved:
                found += self._begun(_scope(key), moved, clock, gone=True, settled=correcting)
        return found

    def settle(self, clock: datetime) -> list[Detection]:
        """The end of a correction: what now follows that did not, and what no longer does."""
        touched, self._touched, self._deadlines = self._touched, {}, {}
        found: list[Detection] = []
        for key, pending in touched.items():
            cause = _Cause(Reason.SOURCE_CORRECTED, Reason.SOURCE_CORRECTED, pending.changed, pending.gone)
            found += self._decide(key, (pending.start, pending.end), cause, clock)
        return found

    def holds(self, event_id: str) -> bool:
        """Whether the event is counted, or waits to be."""
        return bool(self._tracks.keys_of(event_id)) or self._waiting.holds(event_id)

    def waiting(self) -> list[tuple[Event, datetime]]:
        """What waits for its grace to pass."""
        return [(unpack(one.entry.evidence[0]), moment(one.due)) for _, one in self._waiting.all()]

    def account(self, event_id: str) -> Iterator[str]:
        """What is known of the event, for each of its keys."""
        for uid, one in self._waiting.all():
            if uid == event_id:
                yield f"not taken yet: its grace passes at {moment(one.due):%Y-%m-%d %H:%M:%S UTC}"
        for key in self._tracks.keys_of(event_id):
            entry = self._tracks.find(key, event_id)
            episodes = [e for e in self.state.episodes.get(key, []) if event_id in e.members]
            loud_from = self._beginnings.loud_from(_scope(key)) if self._pattern.quiet else None
            if entry is not None:
                yield from account(self.rule, self._tracks, key, entry, episodes=episodes, loud_from=loud_from)

    def _read(self, signal: Signal) -> Counted | None:
        """The signal as it is counted; None when it has no key or no value that the rule looks at."""
        view, event = signal.view, signal.view.event
        keys = self._keys.of(signal.member, view)
        values = self._pattern.values(signal.member, view) if keys else None
        if values is None:
            return None
        evidence: tuple[bytes, ...] = (pack(event),)
        if signal.evidence != (event,):
            evidence += tuple([pack(one) for one in signal.evidence])
        time = micros(event.time)
        entry = Entry(
            uid=event.id,
            time=time,
            end=micros(event.until) if event.until else time,
            members=self._members[signal.member],
            values=values,
            evidence=evidence,
            why=msgspec.msgpack.encode(signal.matched()) if self._pattern.explains else b"",
        )
        recorded = micros(event.recorded)
        return Counted(entry, tuple(keys), recorded, recorded + self._grace, signal.again)

    def _take(self, counted: Counted, clock: datetime, *, settled: bool = False) -> list[Detection]:
        """Counts what has come. One event is counted once under a key, whatever it is a member as."""
        entry, keys = counted.entry, counted.keys
        self._move_horizon(counted, clock)
        if len(keys) == 1 and not counted.again:
            return self._count(keys[0], entry, clock, settled=settled)
        found: list[Detection] = []
        before = self._tracks.keys_of(entry.uid) if counted.again else ()
        for key in (*(key for key in before if key not in keys), *keys):
            # Each key has an entry of its own: whether something holds differs.
            own = msgspec.structs.replace(entry)
            found += self._count(key, own, clock, stays=key in keys, again=counted.again, settled=settled)
        return found

    def _count(
        self, key: Key, entry: Entry, clock: datetime, *, settled: bool, stays: bool = True, again: bool = False
    ) -> list[Detection]:
        """Counts an entry under one key, or (`stays` is False) no longer.

        One that is known there is replaced where it is said again, else joined: it is a member in one more way.
        """
        self._tracks.refresh(key)
        known = self._tracks.find(key, entry.uid)
        pending: _Pending | None = None
        if known is not None:
            if not again and known.members | entry.members == known.members:
                return []
            if not again:
                entry.members |= known.members
            self._tracks.discard(key, known)
            pending = self._judge(key, known, gone=True)
        moved = self._begin(key, entry, gone=not stays) if self._pattern.quiet else None
        if stays:
            count = self._tracks.add(key, entry)
            if 0 < count < self._pattern.least and known is None and not moved and not settled:
                return []
            pending = _joined(pending, self._judge(key, entry))
        found: list[Detection] = []
        if settled:
            self._note(key, pending or _Pending(entry.time, entry.time + 1), entry)
        elif pending:
            cause = _Cause(Reason.MORE_EVENTS, Reason.NO_LONGER_MET, (entry.uid,) if stays else ())
            cause.gone = {} if stays or known is None else {entry.uid: known}
            found = self._decide(key, (pending.start, pending.end), cause, clock)
        if moved:
            found += self._begun(_scope(key), moved, clock, gone=not stays, settled=settled)
        return found

    def _judge(self, key: Key, entry: Entry, *, gone: bool = False) -> _Pending | None:
        """Judges again what an entry may concern; gives the range when an alert may be another one now."""
        start, end = self._pattern.zone(self._tracks, key, entry)
        concerned = self._judge_range(key, (start, end))
        return _Pending(start, end) if concerned or (gone and entry.held) else None

    def _judge_range(self, key: Key, zone: Range) -> bool:
        entries, holds, concerned = self._tracks.of(key), self._pattern.holds, False
        loud_from = self._beginnings.loud_from(_scope(key)) if self._pattern.quiet else None
        for at in self._tracks.between(key, *zone):
            one = entries[at]
            held = (loud_from is None or one.time >= loud_from) and holds(self._tracks, key, at)
            concerned = concerned or held or one.held
            one.held = held
        return concerned

    def _begin(self, key: Key, entry: Entry, *, gone: bool) -> Range | None:
        """Notes since when there are signals. Where that changes what is quiet: from when to when."""
        if not self._pattern.quiet:
            return None
        scope = _scope(key)
        before = self._beginnings.loud_from(scope)
        if gone:
            self._beginnings.remove(scope, entry.time, entry.uid)
        else:
            self._beginnings.add(scope, entry.time, entry.uid)
        now = self._beginnings.loud_from(scope)
        return None if now == before else (min(now, before), max(now, before))

    def _begun(self, scope: str, zone: Range, clock: datetime, *, gone: bool, settled: bool) -> list[Detection]:
        """The first signal of all is another one: what was quiet may be said under every key, or the other way."""
        found: list[Detection] = []
        reason = Reason.SOURCE_WITHDRAWN if gone else Reason.NO_LONGER_MET
        for key in self._tracks.keys(scope):
            self._tracks.refresh(key)
            if self._tracks.of(key) and self._judge_range(key, zone):
                if settled:
                    self._note(key, _Pending(*zone))
                else:
                    found += self._decide(key, zone, _Cause(reason, reason), clock)
        return found

    def _remembered(self, scope: str) -> Signals:
        for key in self._tracks.keys(scope):
            self._tracks.refresh(key)
            yield from ((entry.time, entry.uid) for entry in self._tracks.of(key))

    def _decide(self, key: Key, zone: Range, cause: _Cause, clock: datetime) -> list[Detection]:
        """What the range means for the alerts of a key, compared with what was said of them."""
        episodes = self.state.episodes.get(key, [])
        going_on, ended = self._pattern.decide(self._tracks, key, zone, episodes)
        if not going_on and not ended:
            return []
        found: list[Detection] = []
        left = [episode for episode in episodes if all(episode is not gone for gone, _ in ended)]
        for episode, group in going_on:
            if episode is None:
                raised = group.episode(_free_slot(group, left))
                left.append(raised)
                found.append(self._say(key, raised, group, cause, clock, before=None))
                continue
            before = episode.members
            now = group.episode(episode.slot)
            left[next(at for at, one in enumerate(left) if one is episode)] = now
            if now.members != before or now.moment != episode.moment or set(now.members) & set(cause.changed):
                found.append(self._say(key, now, group, cause, clock, before=before))
        known = {entry.uid: entry for entry in self._tracks.of(key)} if ended else {}
        for episode, merged in ended:
            reason = Reason.MERGED if merged and cause.lost == Reason.NO_LONGER_MET else cause.lost
            members = [known[uid] for uid in episode.members if uid in known and uid not in cause.changed]
            members = members or [cause.gone[uid] for uid in episode.members if uid in cause.gone]
            found.append(self._detection(Change.RETRACTED, reason, key, episode.slot, clock, events=_events(members)))
        if left:
            self.state.episodes[key] = sorted(left, key=lambda e: (e.first, e.slot)) if len(left) > 1 else left
        else:
            self.state.episodes.pop(key, None)
        return found

    def _say(
        self, key: Key, episode: Episode, group: Group, cause: _Cause, clock: datetime, *, before: Sequence[str] | None
    ) -> Detection:
        """An alert that is raised, or (`before`: its events until now) is another one now."""
        what, reason = Change.RAISED, Reason.DETECTED
        ordered, new = _in_order(group.members, episode.members, cause.changed, before)
        if before is not None:
            what, reason = Change.UPDATED, cause.grown if new else cause.lost
        elif cause.grown == Reason.SOURCE_CORRECTED:
            reason = Reason.SOURCE_CORRECTED
        why = _WHY.decode(group.latest.why) if group.latest.why else ()
        return self._detection(
            what, reason, key, episode.slot, clock,
            events=_events(ordered),
            joined=_events(new),
            matched=(*why, *self._pattern.told(self._tracks, key, group)),
            moment=unpack(group.moment.evidence[0]),
        )  # fmt: skip

    def _detection(
        self,
        what: Change,
        reason: Reason,
        key: Key,
        slot: str,
        clock: datetime,
        *,
        events: Sequence[Event],
        joined: Sequence[Event] = (),
        matched: tuple[Matched, ...] = (),
        moment: Event | None = None,
    ) -> Detection:
        return Detection(
            what=what,
            rule=self.rule.name,
            key=read_key(key),
            slot=slot,
            at=clock,
            reason=reason,
            events=events,
            joined=joined,
            matched=matched,
            moment=moment,
        )

    def _discard(self, key: Key, uid: str) -> Entry | None:
        self._tracks.refresh(key)
        entry = self._tracks.find(key, uid)
        if entry is not None:
            self._tracks.discard(key, entry)
        return entry

    def _note(self, key: Key, pending: _Pending, entry: Entry | None = None) -> None:
        """Keeps for `settle` what a correction touched."""
        noted = _joined(self._touched.get(key), pending) or pending
        if entry is not None:
            noted.changed = tuple(dict.fromkeys((*noted.changed, entry.uid)))
            noted.gone[entry.uid] = entry
        self._touched[key] = noted

    def _move_horizon(self, counted: Counted, clock: datetime) -> None:
        """Forgets what no event can need that comes from now on, in steps: not for every event."""
        length = counted.entry.end - counted.entry.time
        if length > self.state.longest:
            self.state.longest = length
        if self._lateness is None or self._fed_from is None:
            return
        kept = self._lateness + self._pattern.kept + self.state.longest + self._fed_from
        horizon = min(micros(clock), counted.recorded) - kept
        step = max(kept // 4, 1)
        if horizon >= self.state.tracks.horizon + step:
            self.state.tracks.horizon = horizon - horizon % step

    def _spared(self, key: Key) -> Iterable[Range]:
        return self._pattern.spared(self._tracks, key, self.state.episodes.get(key, ()))


def _scope(key: Key) -> str:
    return key[: key.index("{")]


def _joined(one: _Pending | None, other: _Pending | None) -> _Pending | None:
    if one is None or other is None:
        return one or other
    changed = tuple(dict.fromkeys((*one.changed, *other.changed)))
    return _Pending(min(one.start, other.start), max(one.end, other.end), changed, {**one.gone, **other.gone})


def _free_slot(group: Group, episodes: Sequence[Episode]) -> str:
    """The id of the first event that the group may be named after and no open alert of its key is.

    An alert keeps its name when a correction takes that event away from it; should the event alone make another alert
    of the key later, that one is numbered.
    """
    taken = {episode.slot for episode in episodes}
    names = (entry.uid for entry in group.names)
    numbered = (f"{group.moment.uid}/{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(names, numbered) if name not in taken)


def _in_order(
    members: Sequence[Entry], uids: Sequence[str], changed: Sequence[str], before: Sequence[str] | None
) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """The entries of an alert, of these ids, the triggering one last; and those that `before` did not hold."""
    if len(changed) == 1 and uids[-1] == changed[0]:  # as nearly always: what came last is the latest, too
        if before is not None and before == uids[:-1]:
            return members, members[-1:]
        ordered = members
    else:
        last = [entry for entry in members if entry.uid in changed]
        ordered = [*(entry for entry in members if entry.uid not in changed), *last]
    if before is None:
        return ordered, ()
    known = set(before).difference(changed)
    return ordered, [entry for entry in ordered if entry.uid not in known]


def _events(entries: Iterable[Entry]) -> PackedEvents:
    """What entries stand on, each event once."""
    evidence = [entry.evidence for entry in entries]
    if sum(map(len, evidence)) == len(evidence):  # nothing chained: every entry is an event of its own
        return PackedEvents(itertools.chain.from_iterable(evidence))
    return PackedEvents(dict.fromkeys(one for packed in evidence for one in (packed[1:] or packed)))
