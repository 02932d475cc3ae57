"""Who is told what: subscribers and teams with their filters, as they were activated.

Addresses are not here: an audience in the log names a channel and a keyed hash of the address.
"""

from dataclasses import dataclass, field


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
    """One way to a subscriber. `kind` is the sort of channel (mail, slack), `via` the configured channel it goes by."""

    kind: str
    via: str
    address_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person or a team. `language` is es or en, `time_zone` an IANA name."""

    id: str
    team: bool = False
    wants: tuple[Want, ...] = ()
    targets: tuple[Target, ...] = ()
    language: str = "es"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Everyone who may be told, in the order of their ids."""

    subscribers: tuple[Subscriber, ...] = field(default=())
