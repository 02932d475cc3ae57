"""`one_per`: further reports of one happening join the open alert as sources, instead of raising their own.

Works on detections after the detectors, the same for every kind of rule.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from almenara.domain.alert import Change, Reason
from almenara.domain.event import Event
from almenara.domain.ids import canonical
from almenara.engine.detection import Detection
from almenara.engine.rule import OnePer


@dataclass(slots=True)
class Group:
    """One alert and its sources: `members` are the slots that joined it, its own first; `open` until it closes."""

    slot: str
    time: datetime
    members: dict[str, Event] = field(default_factory=dict)
    open: bool = True


@dataclass(slots=True)
class JoinerState:
    """Groups by rule and key; it is the snapshot."""

    groups: dict[str, list[Group]] = field(default_factory=dict)


class Joiner:
    """Turns the detections of one rule with `one_per` into those of its groups."""

    State = JoinerState

    def __init__(self, one_per: OnePer, state: JoinerState) -> None:
        self._one_per = one_per
        self.state = state
        groups = (group for held in state.groups.values() for group in held)
        self._of_slot = {slot: group for group in groups for slot in (group.slot, *group.members)}

    def join(self, detection: Detection) -> Detection | None:
        """The detection as its group says it; None when it says nothing new."""
        group = self._of_slot.get(detection.slot)
        if group is None:
            return self._first(detection) if detection.what == Change.RAISED else None
        if detection.what in (Change.RAISED, Change.UPDATED):
            reopened = not group.open
            group.open = True
            group.members.setdefault(detection.slot, detection.events[-1])
            return self._of(group, detection, what=Change.RAISED if reopened else Change.UPDATED)
        return self._fall(group, detection)

    def _first(self, detection: Detection) -> Detection:
        event = detection.events[-1]
        groups = self.state.groups.setdefault(self._key(detection), [])
        for group in groups:
            if group.open and abs(event.time - group.time) <= self._one_per.within:
                self._of_slot[detection.slot] = group
                group.members[detection.slot] = event
                joined = replace(detection, reason=Reason.ANOTHER_SOURCE, joined=(event,))
                return self._of(group, joined, what=Change.UPDATED)
        group = Group(detection.slot, event.time, {detection.slot: event})
        self._of_slot[detection.slot] = group
        groups.append(group)
        return detection

    def _fall(self, group: Group, detection: Detection) -> Detection | None:
        if detection.reason == Reason.SOURCE_WITHDRAWN:
            group.members.pop(detection.slot, None)
            if group.members:
                return self._of(group, detection, what=Change.UPDATED)
        if not group.open:
            return None
        group.open = False
        return self._of(group, detection, what=detection.what)

    def _of(self, group: Group, detection: Detection, *, what: Change) -> Detection:
        events = tuple(group.members.values()) or detection.events
        return replace(detection, what=what, slot=group.slot, events=events)

    def _key(self, detection: Detection) -> str:
        found: dict[str, Any] = {}
        for name in self._one_per.keys:
            found[name] = detection.key.get(name)
        return canonical(found).decode()
