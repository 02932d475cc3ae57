"""The engine: one ruleset over one partition. Events and ticks in, detections out; nothing else goes in or out.

It asks no clock: the stream's clock is the largest tick seen. It iterates only what has a defined order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from almenara.domain.alert import Change, Reason
from almenara.domain.event import CHECKED, CORRECTED, TICK, WITHDRAWN, Event
from almenara.engine.detection import Detection, Findings, Late, merge_correction
from almenara.engine.detectors.absence import AbsenceDetector, AbsenceState
from almenara.engine.detectors.coverage import Readings, ReadingsState
from almenara.engine.detectors.joiner import Joiner, JoinerState
from almenara.engine.detectors.threshold import ThresholdDetector, ThresholdState
from almenara.engine.matching.witness import Sieve
from almenara.engine.rule import AbsenceRule, Rule, SingleRule, ThresholdRule
from almenara.engine.ruleset import Ruleset
from almenara.engine.view import View

SEMANTICS: Final = "1"
"""The engine's semantics version: it changes whenever the same records could give other alerts."""

S = TypeVar("S")

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class EngineState:
    """Everything the engine remembers of a partition; detectors by the hash of their rule's detection."""

    clock: datetime = EPOCH
    readings: ReadingsState = field(default_factory=ReadingsState)
    fired: dict[str, dict[str, None]] = field(default_factory=dict)
    thresholds: dict[str, ThresholdState] = field(default_factory=dict)
    absences: dict[str, AbsenceState] = field(default_factory=dict)
    joiners: dict[str, JoinerState] = field(default_factory=dict)


class Engine:
    """Runs a ruleset. Start from `state` to go on where another engine stopped; unknown rules' states are dropped.

    With `apart` only events of one country are correlated: a partition holds several, and which ones is chance.
    """

    def __init__(self, ruleset: Ruleset, state: EngineState | None = None, *, apart: bool = False) -> None:
        self.ruleset = ruleset
        self._apart = apart
        self.state = state or EngineState()
        self._readings = Readings(self.state.readings)
        self._single = [rule for rule in ruleset.rules if isinstance(rule, SingleRule)]
        self._by_type: dict[str | None, tuple[list[SingleRule], Sieve]] = {}
        self._thresholds = self._open_thresholds()
        self._absences = self._open_absences()
        self._detectors: list[ThresholdDetector | AbsenceDetector] = [*self._thresholds, *self._absences]
        self._joiners = self._open_joiners()
        self.state.fired = {rule.name: self.state.fired.get(rule.name, {}) for rule in self._single if rule.alerts}
        self._users = {rule.name: self._detectors_of(rule.name) for rule in self._single}

    @property
    def clock(self) -> datetime:
        """The stream's clock: the largest tick seen."""
        return self.state.clock

    def apply(self, event: Event) -> Findings:
        """Takes one record of the stream: a tick moves the clock, anything else is evaluated."""
        if event.type == TICK:
            return Findings(self.tick(event.time))
        if event.type == WITHDRAWN:
            of = str(event.data.get("of", ""))
            return Findings(self._joined([*self._remove(of), *self._unread(self._readings.remove(of))]))
        if event.type == CORRECTED:
            return self._correct(event)
        findings = Findings()
        findings.detections = self._joined(self._evaluate(event, findings.late))
        return findings

    def tick(self, to: datetime) -> list[Detection]:
        """Moves the clock, never backwards, and says what became due."""
        if to <= self.state.clock:
            return []
        self.state.clock = to
        due = [detection for detector in self._absences for detection in detector.on_tick(to)]
        return self._joined(due)

    def plain(self, event: Event) -> list[Detection]:
        """Evaluates an event that is no CloudEvent: log sources are not compared."""
        return self._joined(self._evaluate(event, [], plain=True))

    def waiting(self) -> list[tuple[str, Event, datetime]]:
        """Every absence that waits: rule, anchor, deadline."""
        return [(d.rule.name, event, at) for d in self._absences for event, at in d.waiting()]

    def detector(self, rule: str) -> ThresholdDetector | AbsenceDetector | None:
        """The detector of a correlation, for those who explain; None for a rule over one event."""
        return next((d for d in self._detectors if d.rule.name == rule), None)

    def view(self, event: Event) -> View:
        """The event as rules see it, enriched."""
        return View(self.ruleset.enricher.enrich(event), self.ruleset.zones)

    def _evaluate(
        self, event: Event, late: list[Late], *, plain: bool = False, counted: frozenset[str] | None = None
    ) -> list[Detection]:
        """What the event leads to. `counted`: it is a correction, and the thresholds that counted it before."""
        event = self.ruleset.enricher.enrich(event)
        view = View(event, self.ruleset.zones, plain=plain, scope=event.country if self._apart else "")
        found: list[Detection] = []
        rules, sieve = self._rules_for(event.type, plain)
        for rule in (rules[number] for number in sieve.passing(view)):
            if not rule.condition.holds(view):
                continue
            if rule.alerts:
                found += self._fire(rule, view)
            found += self._correlate(rule, view, late, counted)
        if event.type == CHECKED:
            source = self._readings.add(event)
            if source is not None:
                found += [d for detector in self._absences for d in detector.on_reading(source, self.clock)]
        return found

    def _rules_for(self, type_: str, plain: bool) -> tuple[list[SingleRule], Sieve]:
        """The rules that look at this event type, all of them for a plain event."""
        name = None if plain else type_
        if name not in self._by_type:
            rules = [rule for rule in self._single if name is None or _looks_at(rule, name)]
            self._by_type[name] = rules, Sieve(rule.condition.witness for rule in rules)
        return self._by_type[name]

    def _fire(self, rule: SingleRule, view: View) -> Iterator[Detection]:
        fired = self.state.fired[rule.name]
        if view.event.id in fired:
            return
        fired[view.event.id] = None
        yield Detection(
            what=Change.RAISED,
            rule=rule.name,
            key={},
            slot=view.event.id,
            at=self.clock if self.clock > EPOCH else view.event.recorded,
            reason=Reason.DETECTED,
            events=(view.event,),
            matched=rule.condition.why(view, self.ruleset.lists),
        )

    def _correlate(
        self, rule: SingleRule, view: View, late: list[Late], counted: frozenset[str] | None
    ) -> Iterator[Detection]:
        settled = counted is not None
        for detector in self._users[rule.name]:
            if isinstance(detector, AbsenceDetector):
                # Only of the event that an alert is anchored in the record says why it matched.
                anchors = rule.name == detector.rule.anchor
                matched = rule.condition.why(view, self.ruleset.lists) if anchors else ()
                yield from detector.on_event(view, rule.name, self.clock, matched=matched, settled=settled)
            elif self._is_late(view.event) and detector.rule.name not in (counted or ()):
                late.append(Late(detector.rule.name, view.event))
            else:
                yield from detector.on_event(view, rule.name, self.clock)

    def _is_late(self, event: Event) -> bool:
        lateness = self.ruleset.allowed_lateness
        return lateness is not None and event.recorded - event.end > lateness

    def _correct(self, event: Event) -> Findings:
        """An event's new content under its old id: its alerts are decided again."""
        of, content = str(event.data.get("of", "")), event.data.get("event")
        counted = frozenset(detector.rule.name for detector in self._thresholds if detector.holds(of))
        before, source = self._remove(of, correcting=True), self._readings.remove(of)
        findings = Findings()
        after: list[Detection] = []
        if isinstance(content, dict):
            again = corrected(event, of, content)
            after = self._evaluate(again, findings.late, counted=counted)
        settled = [said for detector in self._absences for said in detector.settle(self.clock)]
        after += [replace(said, reason=Reason.SOURCE_CORRECTED) for said in (*settled, *self._unread(source))]
        findings.detections = self._joined(merge_correction(before, after))
        return findings

    def _remove(self, event_id: str, *, correcting: bool = False) -> list[Detection]:
        found: list[Detection] = []
        for name, fired in self.state.fired.items():
            if event_id in fired:
                del fired[event_id]
                found.append(
                    Detection(
                        what=Change.RETRACTED,
                        rule=name,
                        key={},
                        slot=event_id,
                        at=self.clock,
                        reason=Reason.SOURCE_WITHDRAWN,
                    )
                )
        for threshold in self._thresholds:
            found += threshold.remove(event_id, self.clock)
        for absence in self._absences:
            found += absence.remove(event_id, self.clock, correcting=correcting)
        return found

    def _unread(self, source: str | None) -> list[Detection]:
        return [d for detector in self._absences for d in detector.on_unread(source, self.clock)] if source else []

    def _joined(self, detections: Iterable[Detection]) -> list[Detection]:
        found: list[Detection] = []
        for detection in detections:
            joiner = self._joiners.get(detection.rule)
            said = joiner.join(detection) if joiner else detection
            if said is not None:
                found.append(said)
        return found

    def _detectors_of(self, name: str) -> list[ThresholdDetector | AbsenceDetector]:
        return [detector for detector in self._detectors if name in detector.rule.rules]

    def _open_thresholds(self) -> list[ThresholdDetector]:
        rules = [rule for rule in self.ruleset.rules if isinstance(rule, ThresholdRule)]
        states = self.state.thresholds = _kept(self.state.thresholds, rules, ThresholdState)
        lateness = self.ruleset.allowed_lateness
        return [ThresholdDetector(rule, states[rule.detection_hash], lateness) for rule in rules]

    def _open_absences(self) -> list[AbsenceDetector]:
        rules = [rule for rule in self.ruleset.rules if isinstance(rule, AbsenceRule)]
        states = self.state.absences = _kept(self.state.absences, rules, AbsenceState)
        return [AbsenceDetector(rule, states[rule.detection_hash], self._readings) for rule in rules]

    def _open_joiners(self) -> dict[str, Joiner]:
        rules = [(rule, rule.one_per) for rule in self.ruleset.rules if rule.one_per]
        states = self.state.joiners = _kept(self.state.joiners, [rule for rule, _ in rules], JoinerState)
        return {rule.name: Joiner(one_per, states[rule.detection_hash], apart=self._apart) for rule, one_per in rules}


def _kept(known: Mapping[str, S], rules: Iterable[Rule], new: Callable[[], S]) -> dict[str, S]:
    """The states of these rules and of no others, by the hash of what they detect; new ones where none is known."""
    hashes = [rule.detection_hash for rule in rules]
    return {digest: known[digest] if digest in known else new() for digest in hashes}


def _looks_at(rule: SingleRule, type_: str) -> bool:
    return rule.category in ("", type_) and rule.product in ("", "almenara")


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
