"""The engine: one ruleset over one partition. Events and ticks in, detections out; nothing else goes in or out.

It asks no clock: the stream's clock is the largest tick seen. It iterates only what has a defined order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from almenara.domain.alert import Change, Matched, Reason
from almenara.domain.event import CHECKED, CORRECTED, TICK, WITHDRAWN, Event
from almenara.engine.ahead import Ahead, note
from almenara.engine.detection import Detection, Findings, Late, merge_correction
from almenara.engine.detectors.absence import AbsenceDetector
from almenara.engine.detectors.coverage import Readings, ReadingsState
from almenara.engine.detectors.detector import Detector, Signal, chained, chained_id
from almenara.engine.detectors.joiner import Joiner, JoinerState
from almenara.engine.detectors.opening import State, Surroundings, open_detector
from almenara.engine.matching.condition import Condition
from almenara.engine.matching.matcher import Candidate
from almenara.engine.rule import Correlation, Rule, SingleRule
from almenara.engine.ruleset import Ruleset
from almenara.engine.view import View

SEMANTICS: Final = "3"
"""The engine's semantics version: it changes whenever the same records could give other alerts."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OF_RECORDS: Final = frozenset((CHECKED, CORRECTED, WITHDRAWN))
"""What speaks of other records, or of a reading of them: all else is an observation."""


@dataclass(slots=True)
class EngineState:
    """Everything the engine remembers of a partition; detectors and joiners by the hash of their rule's detection.

    `ahead` is what was dated far ahead of the clock: a rule that starts anew must look back to where it came.
    """

    clock: datetime = EPOCH
    readings: ReadingsState = field(default_factory=ReadingsState)
    fired: dict[str, dict[str, None]] = field(default_factory=dict)
    detectors: dict[str, State] = field(default_factory=dict)
    joiners: dict[str, JoinerState] = field(default_factory=dict)
    ahead: list[Ahead] = field(default_factory=list)

    def remembers(self, rule: Rule) -> bool:
        """Whether everything that the rule needs to remember is here. A rule that remembers nothing needs nothing."""
        counted = not isinstance(rule, Correlation) or rule.detection_hash in self.detectors
        return counted and (not rule.one_per or rule.detection_hash in self.joiners)

    def joined(self, other: "EngineState", rules: Iterable[Rule]) -> "EngineState":
        """This state with what `other` remembers of the rules."""
        hashes = [rule.detection_hash for rule in rules]
        return replace(
            self,
            detectors={**self.detectors, **{h: other.detectors[h] for h in hashes if h in other.detectors}},
            joiners={**self.joiners, **{h: other.joiners[h] for h in hashes if h in other.joiners}},
        )


class Engine:
    """Runs a ruleset. Start from `state` to go on where another engine stopped; unknown rules' states are dropped.

    With `apart` only events of one country are correlated: a partition holds several, and which ones is chance.
    """

    def __init__(self, ruleset: Ruleset, state: EngineState | None = None, *, apart: bool = False) -> None:
        self.ruleset = ruleset
        self._asked, self._enrich = ruleset.matcher.asked, ruleset.enricher.enrich
        self._apart = apart
        self.state = state or EngineState()
        self._readings = Readings(self.state.readings)
        self._detectors = self._open_detectors()
        self._absences = [detector for detector in self._detectors if isinstance(detector, AbsenceDetector)]
        self._joiners = self._open_joiners()
        self.state.fired = {
            rule.name: self.state.fired.get(rule.name, {})
            for rule in ruleset.rules
            if isinstance(rule, SingleRule) and rule.alerts
        }
        self._users = {rule.name: [d for d in self._detectors if rule.name in d.rule.rules] for rule in ruleset.rules}
        self._chaining = frozenset(d.rule.name for d in self._detectors if self._users[d.rule.name])

    @property
    def clock(self) -> datetime:
        """The stream's clock: the largest tick seen."""
        return self.state.clock

    def apply(self, event: Event) -> Findings:
        """Takes one record of the stream: a tick moves the clock, anything else is evaluated."""
        if event.type == TICK:
            return Findings(self.tick(event.time))
        note(self.state.ahead, self.state.clock, event.until or event.time)
        findings = Findings()
        if event.type not in _OF_RECORDS:
            asked, candidates = self._asked(event, self._enrich)
            if candidates:  # of most events nothing is asked, and the fewest calls lead to that
                findings.detections = self._said(self._judged(self._view(asked), candidates, findings.late, None))
            return findings
        # Lazily: what a rule says reaches the correlations over it before the next one says something.
        found: Iterable[Detection]
        if event.type == WITHDRAWN:
            of = str(event.data.get("of", ""))
            found = self._withdraw(of)
        elif event.type == CORRECTED:
            found = self._correct(event, findings.late)
        else:
            found = self._evaluate(event, findings.late)
        findings.detections = self._said(found)
        return findings

    def tick(self, to: datetime) -> list[Detection]:
        """Moves the clock, never backwards, and says what became due."""
        if to <= self.state.clock:
            return []
        self.state.clock = to
        if not self._detectors:
            return []
        return [said for detector in self._detectors for said in self._said(detector.on_tick(to))]

    def plain(self, event: Event) -> list[Detection]:
        """Evaluates an event that is no CloudEvent: log sources are not compared."""
        found = self._evaluate(event, [], plain=True)
        return self._said(found) if found else []

    def waiting(self) -> list[tuple[str, Event, datetime]]:
        """Everything that waits for a deadline: rule, event, deadline."""
        return [(d.rule.name, event, at) for d in self._detectors for event, at in d.waiting()]

    def detector(self, rule: str) -> Detector | None:
        """The detector of a correlation, for those who explain; None for a rule over one event."""
        return next((d for d in self._detectors if d.rule.name == rule), None)

    def view(self, event: Event) -> View:
        """The event as rules see it, enriched."""
        return View(self.ruleset.enricher.enrich(event), self.ruleset.zones)

    def _evaluate(
        self, event: Event, late: list[Late], *, plain: bool = False, counted: frozenset[str] | None = None
    ) -> Iterable[Detection]:
        """What the event leads to: nothing, nearly always. `counted`: it is a correction; the rules that held it."""
        event, candidates = self._asked(event, self._enrich, plain=plain)
        if not candidates and event.type != CHECKED:
            return ()
        return self._judged(self._view(event, plain=plain), candidates, late, counted)

    def _view(self, event: Event, *, plain: bool = False) -> View:
        return View(event, self.ruleset.zones, plain=plain, scope=event.country if self._apart else "")

    def _judged(
        self, view: View, candidates: list[Candidate], late: list[Late], counted: frozenset[str] | None
    ) -> Iterator[Detection]:
        for rule, condition in candidates:
            if condition.holds(view):
                yield from self._matched(rule, condition, view, late, counted)
        event = view.event
        if event.type == CHECKED:
            source = self._readings.add(event if candidates else self._enrich(event))
            if source is not None:
                for detector in self._absences:
                    yield from detector.on_reading(source, self.clock)

    def _matched(
        self, rule: SingleRule, condition: Condition, view: View, late: list[Late], counted: frozenset[str] | None
    ) -> Iterator[Detection]:
        def why() -> tuple[Matched, ...]:
            return condition.why(view, self.ruleset.lists)

        event = view.event
        if rule.alerts and event.id not in self.state.fired[rule.name]:
            if not view.plain:  # nothing corrects or withdraws a plain event, and there may be millions
                self.state.fired[rule.name][event.id] = None
            yield self._fired(rule.name, event, why())
        users = self._users[rule.name]
        if not users:
            return
        signal = Signal(rule.name, view, (event,), why, settled=counted is not None)
        for detector in users:
            if detector.rule.name not in (counted or ()) and detector.is_late(signal, self.clock):
                late.append(Late(detector.rule.name, event))
            else:
                yield from detector.on_signal(signal, self.clock)

    def _fired(self, rule: str, event: Event, matched: tuple[Matched, ...]) -> Detection:
        return Detection(
            what=Change.RAISED,
            rule=rule,
            key={},
            slot=event.id,
            at=self.clock if self.clock > EPOCH else event.recorded,
            reason=Reason.DETECTED,
            events=(event,),
            matched=matched,
        )

    def _correct(self, event: Event, late: list[Late]) -> Iterator[Detection]:
        """An event's new content under its old id: its alerts are decided again."""
        of, content = str(event.data.get("of", "")), event.data.get("event")
        counted = frozenset(d.rule.name for d in self._detectors if d.holds(of))
        before, source = list(self._remove(of, correcting=True)), self._readings.remove(of)
        after: list[Detection] = []
        if isinstance(content, dict):
            now = corrected(event, of, content)
            note(self.state.ahead, self.clock, now.until or now.time)
            after += self._evaluate(now, late, counted=counted)
        after += (
            replace(said, reason=Reason.SOURCE_CORRECTED) for d in self._absences for said in d.settle(self.clock)
        )
        after += (replace(said, reason=Reason.SOURCE_CORRECTED) for said in self._unread(source))
        yield from merge_correction(before, after)
        for detector in self._detectors:
            yield from (replace(said, reason=Reason.SOURCE_CORRECTED) for said in detector.settle(self.clock))

    def _withdraw(self, event_id: str) -> Iterator[Detection]:
        yield from self._remove(event_id)
        yield from self._unread(self._readings.remove(event_id))

    def _remove(self, event_id: str, *, correcting: bool = False) -> Iterator[Detection]:
        for name, fired in self.state.fired.items():
            if event_id in fired:
                del fired[event_id]
                reason, at = Reason.SOURCE_WITHDRAWN, self.clock
                yield Detection(what=Change.RETRACTED, rule=name, key={}, slot=event_id, at=at, reason=reason)
        for detector in self._detectors:
            yield from detector.remove(event_id, self.clock, correcting=correcting)

    def _unread(self, source: str | None) -> list[Detection]:
        return [d for detector in self._absences for d in detector.on_unread(source, self.clock)] if source else []

    def _said(self, detections: Iterable[Detection]) -> list[Detection]:
        """The detections as their rules say them, each followed by what the correlations over its rule make of it."""
        found: list[Detection] = []
        for detection in detections:
            joiner = self._joiners.get(detection.rule)
            said = joiner.join(detection) if joiner else detection
            if said is None:
                continue
            if self.ruleset.by_name[said.rule].alerts:
                found.append(said)
            # What a rule over one event feeds was fed with the event itself.
            for detector in self._users[said.rule] if said.rule in self._chaining else ():
                found += self._said(self._chained(detector, said))
        return found

    def _chained(self, detector: Detector, said: Detection) -> list[Detection]:
        """What a correlation over the rule makes of what it said."""
        uid = chained_id(said)
        if said.what == Change.RETRACTED:
            return detector.remove(uid, self.clock)
        mended = said.reason == Reason.SOURCE_CORRECTED
        if said.reason == Reason.ANOTHER_SOURCE or (said.what == Change.RESOLVED and not mended):
            return []
        scope = said.events[-1].country if self._apart else ""
        signal = chained(said, self.ruleset.zones, scope)
        if not mended:
            return detector.on_signal(replace(signal, again=said.what == Change.UPDATED), self.clock)
        before = detector.remove(uid, self.clock, correcting=True)
        after = detector.on_signal(replace(signal, settled=True), self.clock)
        settled = (replace(one, reason=Reason.SOURCE_CORRECTED) for one in detector.settle(self.clock))
        return merge_correction(before, [*after, *settled])

    def _open_detectors(self) -> list[Detector]:
        around = Surroundings(self._readings, self.ruleset.allowed_lateness)
        known, self.state.detectors = self.state.detectors, {}
        found: list[Detector] = []
        for rule in self.ruleset.rules:
            if isinstance(rule, Correlation):
                detector, state = open_detector(rule, known.get(rule.detection_hash), around)
                self.state.detectors[rule.detection_hash] = state
                found.append(detector)
        return found

    def _open_joiners(self) -> dict[str, Joiner]:
        known, self.state.joiners = self.state.joiners, {}
        found: dict[str, Joiner] = {}
        for rule in self.ruleset.rules:
            if rule.one_per:
                state = known.get(rule.detection_hash) or JoinerState()
                self.state.joiners[rule.detection_hash] = state
                found[rule.name] = Joiner(rule.one_per, state, apart=self._apart)
        return found


def corrected(event: Event, of: str, content: dict[str, Any]) -> Event:
    """The event `of` as `event.corrected` says it is now; what the correction leaves out is taken from itself."""
    time = _moment(content.get("time")) or event.time
    until = _moment(content.get("until"))
    data = content.get("data")
    return replace(
        event,
        id=of,
        type=str(content.get("type", "")),
        time=time,
        until=until,
        data=data if isinstance(data, dict) else {},
    )


def dump(state: EngineState) -> bytes:
    """The state as bytes; `load` reads them back."""
    return msgspec.msgpack.encode(state)


def load(body: bytes) -> EngineState:
    """A state that `dump` wrote."""
    return msgspec.msgpack.decode(body, type=EngineState)


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None
