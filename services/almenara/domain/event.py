"""An observed event: what happened, when it happened, when it became known.

The envelope is CloudEvents 1.0 with extensions. Knows nothing of how it is stored or sent; see `ports.wire`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

SCHEMA_VERSION: Final = 2

OBSERVED_TYPES: Final = (
    "meeting.held",
    "meeting.registered",
    "meeting.suspected",
    "statement.made",
    "policy.changed",
    "list.changed",
    "designation.made",
    "office.changed",
    "poll.published",
    "article.published",
    "interaction.coded",
)
CORRECTED: Final = "event.corrected"
WITHDRAWN: Final = "event.withdrawn"
CHECKED: Final = "source.checked"
TICK: Final = "tick"
RULESET: Final = "ruleset.activated"
AUDIENCE: Final = "audience.activated"
ACKNOWLEDGE: Final = "alert.acknowledge"
JUDGE: Final = "alert.judge"
RETRACT: Final = "alert.retract"
ASSIGN: Final = "alert.assign"
SILENCE: Final = "silence.add"
SILENCE_END: Final = "silence.end"
UNSUBSCRIBE: Final = "subscription.end"
RESUBSCRIBE: Final = "subscription.resume"
BEACON: Final = "beacon.lit"

COMMANDS: Final = (ACKNOWLEDGE, JUDGE, RETRACT, ASSIGN)
"""What a person does to one alert."""
ACTIVATIONS: Final = (RULESET, AUDIENCE)
FOR_NOTIFIER: Final = (AUDIENCE, SILENCE, SILENCE_END, UNSUBSCRIBE, RESUBSCRIBE, BEACON)
"""What decides who is told, beside alerts and the clock: the rules service passes it on, in order."""
EVENT_TYPES: Final = (
    *OBSERVED_TYPES, CORRECTED, WITHDRAWN, CHECKED, TICK, *ACTIVATIONS, *COMMANDS, *FOR_NOTIFIER[1:],
)  # fmt: skip


def is_tick_id(uid: str) -> bool:
    """Whether a record is a tick, told by its id: it starts with its type. There are many, and nothing is decoded."""
    return uid.startswith(f"{TICK}/")


def beacon_id(slot: datetime, partition: int) -> str:
    """The id of the beacon that is lit in one partition for a time: lighting it again is dropped."""
    return f"{BEACON}/{partition}/{slot.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One record of the stream `events`.

    `time` .. `until` is when it happened: a moment when `until` is None, else a half-open interval (an event known only
    to the day). `recorded` is when it became known. Both are UTC. `country` (ISO 3166 alpha-3) is the partition key.
    `observation` is shared by the copies of one observation published for several countries. `position` is where the
    log holds it (`events/3/17`), empty before it is appended.
    """

    id: str
    source: str
    type: str
    time: datetime
    recorded: datetime
    country: str
    data: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    subject: str = ""
    observation: str = ""
    schemaversion: int = SCHEMA_VERSION
    position: str = ""

    @property
    def end(self) -> datetime:
        """The end of the interval, or the moment itself."""
        return self.until or self.time

    def holding(self, data: Mapping[str, Any]) -> "Event":
        """The same event with other data."""
        event: Any = _Unfrozen()
        event.id = self.id
        event.source = self.source
        event.type = self.type
        event.time = self.time
        event.recorded = self.recorded
        event.country = self.country
        event.data = data
        event.until = self.until
        event.subject = self.subject
        event.observation = self.observation
        event.schemaversion = self.schemaversion
        event.position = self.position
        event.__class__ = Event
        return event  # type: ignore[no-any-return]

    def at(self, position: str) -> "Event":
        """The same event, knowing where the log holds it."""
        return replace(self, position=position)


class _Unfrozen:
    """An Event that is being filled: laid out as one, and turned into one when all its slots are set."""

    __slots__ = tuple(Event.__slots__)


def event_of(
    *,
    uid: str,
    source: str,
    type_: str,
    time: datetime,
    recorded: datetime,
    country: str,
    data: Mapping[str, Any],
    until: datetime | None = None,
    subject: str = "",
    observation: str = "",
    position: str = "",
) -> Event:
    """The event, made in a fifth of the time: a frozen dataclass sets each of its fields by a call.

    For those who read many; its schema version is the current one.
    """
    event: Any = _Unfrozen()
    event.id = uid
    event.source = source
    event.type = type_
    event.time = time
    event.recorded = recorded
    event.country = country
    event.data = data
    event.until = until
    event.subject = subject
    event.observation = observation
    event.schemaversion = SCHEMA_VERSION
    event.position = position
    event.__class__ = Event
    return event  # type: ignore[no-any-return]
