"""An alert and its life: what it says, on which record it stands, and how it changes.

`decide` turns a detection into changes, `evolve` applies a change; both are pure. Knows nothing of delivery.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

LEVELS: Final = ("informational", "low", "medium", "high", "critical")


class State(StrEnum):
    """Where an alert stands in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    RETRACTED = "retracted"


class Change(StrEnum):
    """All that can happen to an alert."""

    RAISED = "raised"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    JUDGED = "judged"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"
    RETRACTED = "retracted"


NEWS: Final = (Change.RAISED, Change.UPDATED)
"""Changes that say something new of what happened."""

ENDS: Final = (Change.RESOLVED, Change.RETRACTED)
"""Changes after which an alert is over."""

OVER: Final = (State.RESOLVED, State.RETRACTED)
"""How an alert stands that is over."""


class Reason(StrEnum):
    """Why an alert changed. A closed list; each is explained in the docs."""

    DETECTED = "detected"
    ANOTHER_SOURCE = "another_source"
    MORE_EVENTS = "more_events"
    NO_LONGER_MET = "no_longer_met"
    MERGED = "merged"
    REGISTERED_LATE = "registered_late"
    LATE_READING = "late_reading"
    SOURCE_READ = "source_read"
    FOUND_WHEN_READ = "found_when_read"
    ENTRY_WITHDRAWN = "entry_withdrawn"
    SOURCE_CORRECTED = "source_corrected"
    SOURCE_WITHDRAWN = "source_withdrawn"
    RULE_REMOVED = "rule_removed"
    RULE_CHANGED = "rule_changed"
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One record that an alert stands on, with what a message must say of it."""

    id: str
    position: str
    type: str
    source: str
    time: datetime
    recorded: datetime
    until: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A field that a rule compared and found true; `entry` is the watchlist entry that it matched, if any.

    `version` is that of the watchlist: a short hash of its content.
    """

    field: str
    value: Any
    watchlist: str = ""
    version: str = ""
    entry: Mapping[str, str] = dataclasses.field(default_factory=dict)  # `field` is a name of this class


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a source that an absence stands on: how far it covers, when it was read, how many rows it had.

    `rows` is -1 where no count is known; `name` is the source's name by language and `by` who
    read it, where the reading told them.
    """

    source: str
    outcome: str
    covers_from: datetime
    covers_until: datetime
    recorded: datetime
    rows: int = -1
    position: str = ""
    name: Mapping[str, str] = field(default_factory=dict)
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was searched for an absence: the window, the sources, their readings, and the nearest entries outside."""

    start: datetime
    end: datetime
    coverage: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    unread: tuple[str, ...] = ()
    nearest: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """The whole alert as it stands after its latest change.

    `uid` is the content-derived id, `cite` its short form. `checked` is False while an absence could not be checked:
    the level is then one below the rule's. `countries` maps a role (actor, target, affected, checked_absent, key) to
    countries. `events` are at most 50, the first 10 and the last; `event_count` is how many there are. `shadow` marks
    an alert of an experimental rule: recorded, told to nobody. `assignee` is the subscriber who was given it.
    """

    uid: str
    cite: str
    rule: str
    rule_version: int
    level: str
    country: str
    countries: Mapping[str, tuple[str, ...]]
    key: Mapping[str, Any]
    state: State
    title: Mapping[str, str]
    raised_at: datetime
    updated_at: datetime
    events: tuple[Evidence, ...]
    event_count: int = 0
    matched: tuple[Matched, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    search: Search | None = None
    checked: bool = True
    tags: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    shadow: bool = False
    backfill: bool = False
    judgement: str = ""
    assignee: str = ""
    ruleset: str = ""
    engine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanged:
    """One record of the stream `alerts`: what changed, why, by which record, and the alert as it stands now.

    `joined` are the events that this change brought. `note` is what a person wrote with a command, `by` who it was.
    """

    id: str
    change: Change
    reason: Reason
    at: datetime
    cause: str
    alert: Alert
    joined: tuple[Evidence, ...] = ()
    by: str = ""
    note: str = ""


def lower(level: str) -> str:
    """One level below; the lowest stays."""
    return LEVELS[max(0, LEVELS.index(level) - 1)]
