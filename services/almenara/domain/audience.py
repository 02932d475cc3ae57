"""Who is told what: subscribers and teams with their filters, hours, stand-ins and ceilings, as they were activated.

Addresses are not here: an audience in the log names a channel and a keyed hash of the address. Plain data alone; the
notifier gives it a meaning.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

TLPS: Final = ("CLEAR", "GREEN", "AMBER", "RED")
"""How confidential something is (Traffic Light Protocol), from what everyone may know upwards."""
EVERY_DAY: Final = (1, 2, 3, 4, 5, 6, 7)
ON_DUTY: Final = "on_duty"
"""As the one to escalate to: whoever is on duty in the team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One filter; an alert passes when every part that is given matches (an empty part matches all)."""

    countries: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One way to a subscriber. `kind` is the sort of channel (mail, slack), `via` the configured channel it goes by.

    `tlp` is the most confidential that may go by it.
    """

    kind: str
    via: str
    address_hash: str
    tlp: str = "RED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """When not to disturb, in the subscriber's zone; levels in `except_levels` always may.

    `daily` is (start, end) in minutes of the local day, half-open; the end may lie on the next day.
    """

    daily: tuple[int, int] | None = None
    weekends: bool = False
    except_levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """When the digest goes out: minutes of the local day, on these ISO weekdays (1 = Monday).

    Alerts of `levels` go into it only. An empty one is sent where `when_empty` says so.
    """

    at: tuple[int, ...]
    days: tuple[int, ...] = EVERY_DAY
    when_empty: bool = False
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many messages in an hour; what is beyond goes where `then` says: into the digest."""

    per_hour: int
    then: str = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deputy:
    """Who is told instead, from the first to the last of these days (both included) in the zone of who is away.

    A missing day leaves that side open.
    """

    who: str
    start: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Who is on duty on these ISO weekdays in the team's zone; without days: whenever nobody before is."""

    who: str
    days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One step: an alert of these levels (none = all) that nobody acknowledged in `after` seconds is told to `to`.

    `to` is a subscriber's id or `on_duty`.
    """

    after: int
    to: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """While an alert that matches `source` is open, those that match `target` are held back.

    Both must have the same value in each field of `equal`: country, rule, level, or key.NAME.
    """

    source: Want
    target: Want
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person or a team. `language` is es or en, `time_zone` an IANA name, `tlp` the most confidential they may know.

    Steps of `escalate` are in the order of their time. `deputy` is for persons and teams, `on_duty` for teams.
    """

    id: str
    team: bool = False
    wants: tuple[Want, ...] = ()
    targets: tuple[Target, ...] = ()
    language: str = "es"
    time_zone: str = "UTC"
    tlp: str = "GREEN"
    quiet: Quiet | None = None
    digest: Digest | None = None
    limit: Limit | None = None
    deputy: Deputy | None = None
    on_duty: tuple[Duty, ...] = ()
    escalate: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Everyone who may be told, in the order of their ids.

    `tlp` holds for alerts of events that say nothing of it. `operator` is the subscriber who runs the installation.
    """

    subscribers: tuple[Subscriber, ...] = field(default=())
    inhibitions: tuple[Inhibition, ...] = ()
    operator: str = ""
    tlp: str = "GREEN"
