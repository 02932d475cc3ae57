"""What the engine says: a detection. It has no life of its own; the rules service makes alerts of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from almenara.domain.alert import Change, Matched, Reason, Search
from almenara.domain.event import Event


@dataclass(slots=True, kw_only=True)  # nobody changes one; to fill a frozen one takes three times as long
class Detection:
    """One statement of one rule at one moment of the stream's clock.

    `slot` tells the rule's detections of one key apart: the id of the event an alert is anchored in. `events` are all
    that contribute, the triggering one last; for an absence the anchor alone. `joined` are those new in an update.
    `moment` is the event at which it became true by the time of events, where that is not simply the latest.
    """

    what: Change
    rule: str
    key: Mapping[str, Any]
    slot: str
    at: datetime
    reason: Reason
    events: Sequence[Event] = ()
    joined: Sequence[Event] = ()
    moment: Event | None = None
    matched: tuple[Matched, ...] = ()
    search: Search | None = None
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Late:
    """An event that came too late for a rule's windows: not counted, and recorded as such."""

    rule: str
    event: Event


@dataclass(slots=True)
class Findings:
    """All that one record led to, in order."""

    detections: list[Detection] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)


def merge_correction(before: list[Detection], after: list[Detection]) -> list[Detection]:
    """What a corrected event leads to: what fell and stands again at once is an update, not two messages."""
    merged: list[Detection] = []
    rest = list(after)
    for fallen in before:
        again = next((d for d in rest if _same(d, fallen) and d.what in (Change.RAISED, Change.UPDATED)), None)
        if again is None:
            merged.append(replace(fallen, reason=Reason.SOURCE_CORRECTED))
        else:
            rest.remove(again)
            merged.append(replace(again, what=Change.UPDATED, reason=Reason.SOURCE_CORRECTED, joined=again.events))
    return merged + rest


def _same(one: Detection, other: Detection) -> bool:
    return one.rule == other.rule and one.slot == other.slot and one.key == other.key
