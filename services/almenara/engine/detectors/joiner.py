"""`one_per`: further reports of one happening join the open alert as sources, instead of raising their own.

Works on detections after the detectors, the same for every kind of rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from almenara.domain.alert import Change, Reason
from almenara.domain.event import Event
from almenara.domain.ids import canonical
from almenara.engine.detection import Detection
from almenara.engine.rule import OnePer
from almenara.engine.view import lookup

_GONE: Final = (Reason.SOURCE_WITHDRAWN, Reason.SOURCE_CORRECTED)


@dataclass(slots=True)
class Group:
    """One alert and its sources. `slot` and `key` are those of the first report, which the alert's id is made of.

    `members` are the reports that joined, the first one included, by their key and slot; `open` until it closes.
    """

    slot: str
    time: datetime
    members: dict[str, Event] = field(default_factory=dict)
    open: bool = True
    key: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class JoinerState:
    """Groups by rule and key; it is the snapshot."""

    groups: dict[str, list[Group]] = field(default_factory=dict)


class Joiner:
    """Turns the detections of one rule with `one_per` into those of its groups; with `apart` within a country."""

    State = JoinerState

    def __init__(self, one_per: OnePer, state: JoinerState, *, apart: bool = False) -> None:
        self._one_per = one_per
        self._apart = apart
        self.state = state
        # What a snapshot gives back and nothing else: a group is found by its first report and by its members.
        groups = (group for held in state.groups.values() for group in held)
        self._of_member = {name: group for group in groups for name in (_member(group.key, group.slot), *group.members)}

    def join(self, detection: Detection) -> Detection | None:
        """The detection as its group says it; None when it says nothing new."""
        group = self._of_member.get(_member(detection.key, detection.slot))
        if group is None:
            return self._first(detection) if detection.what == Change.RAISED else None
        if detection.what in (Change.RAISED, Change.UPDATED):
            reopened = not group.open
            group.open = True
            group.members[_member(detection.key, detection.slot)] = detection.events[-1]
            return self._of(group, detection, what=Change.RAISED if reopened else Change.UPDATED)
        return self._fall(group, detection)

    def _first(self, detection: Detection) -> Detection | None:
        event, name = detection.events[-1], _member(detection.key, detection.slot)
        groups = self.state.groups.setdefault(self._key(detection), [])
        for group in groups:
            if group.open and abs(event.time - group.time) <= self._one_per.within:
                known = any(member.id == event.id for member in group.members.values())
                self._of_member[name] = group
                group.members[name] = event
                if known:  # one report with two keys is one source
                    return None
                joined = replace(detection, reason=Reason.ANOTHER_SOURCE, joined=(event,))
                return self._of(group, joined, what=Change.UPDATED)
        group = Group(detection.slot, event.time, {name: event}, key=dict(detection.key))
        self._of_member[name] = group
        groups.append(group)
        return detection

    def _fall(self, group: Group, detection: Detection) -> Detection | None:
        if detection.reason in _GONE:
            self._leave(group, detection)
            if group.members:
                return self._of(group, detection, what=Change.UPDATED) if group.open else None
        if not group.open:
            return None
        group.open = False
        return self._of(group, detection, what=detection.what)

    def _leave(self, group: Group, detection: Detection) -> None:
        """Takes the report out of its group, under each of its keys."""
        own = _member(group.key, group.slot)
        said = _member(detection.key, detection.slot)
        for name in [name for name, event in group.members.items() if name == said or event.id == detection.slot]:
            del group.members[name]
            if name != own:
                del self._of_member[name]

    def _of(self, group: Group, detection: Detection, *, what: Change) -> Detection:
        events = tuple({event.id: event for event in group.members.values()}.values()) or detection.events
        return replace(detection, what=what, slot=group.slot, key=group.key, events=events)

    def _key(self, detection: Detection) -> str:
        found: dict[str, Any] = {}
        for name in self._one_per.keys:
            # A rule over one event has no key of its own: its event has the fields.
            of_event = next((v for v in lookup(detection.events[-1].data, name) if v is not None), None)
            found[name] = detection.key.get(name, of_event)
        scope = detection.events[-1].country if self._apart else ""
        return scope + canonical(found).decode()


def _member(key: Mapping[str, Any], slot: str) -> str:
    """One report under one of its keys."""
    return canonical([dict(key), slot]).decode()
