"""Types of single settings: countries, languages, time zones, durations, addresses of hosts; each with its cure.

A validator never repeats the value it refuses unless it is a name from a closed list: the value may be a secret.
"""

import difflib
import ipaddress
import re
import zoneinfo
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictInt

from almenara.domain.durations import format_duration, parse_duration

MAIL: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")
_BASE: Final = re.compile(
    r"(https?)://([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~-]{1,60}){0,4}/?",
    re.ASCII,
)
_HOST_PORT: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})")


class Section(BaseModel):
    """A map of settings: frozen, refuses unknown keys, shows no input in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class Invalid(ValueError):
    """A setting's value is refused: `what` is wrong, and its `cure`."""

    def __init__(self, what: str, cure: str = "") -> None:
        self.what, self.cure = what, cure
        super().__init__(f"{what} -- {cure}" if cure else what)


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the known names when none is near."""
    names = sorted(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    return f"known: {', '.join(names)}" if names else ""


def _country(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[A-Z]{3}", value):
        raise Invalid("not a country code", "write three capital letters (ISO 3166 alpha-3), such as PER")
    return value


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        zones = zoneinfo.available_timezones()
        hint = nearest(value, zones) if len(value) < 60 else ""
        cure = hint if hint.startswith("did") else "write an IANA name, such as America/Lima"
        raise Invalid("not a time zone", cure) from None
    return value


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    cure = "write a number and a unit (s, m, h, d, w), such as 30s or 1d12h"
    if not isinstance(value, str):
        raise Invalid("not a duration", cure)
    try:
        return parse_duration(value)
    except ValueError:
        raise Invalid("not a duration", cure) from None


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise Invalid("must be longer than nothing", "write a duration such as 30s")
    return value


def _host_port(value: str) -> str:
    matched = _HOST_PORT.fullmatch(value)
    if value and not (matched and int(matched[1]) <= 65535):
        raise Invalid("not a host and a port", "write host:port, such as 127.0.0.1:8401")
    return value


def _base(value: str) -> str:
    if not value:
        return value
    found = _BASE.fullmatch(value)
    if found is None:
        raise Invalid("not the address of a site", "write https:// and a host, such as https://alerts.example.org")
    if found[1] == "http" and found[2] not in LOCAL:
        raise Invalid("would send what people do in clear", "write https://; http:// only reaches this machine")
    return value.rstrip("/")


def _host_ports(value: str) -> str:
    for part in value.split(",") if value else ():
        _host_port(part.strip() or "?")
    return value


def _mail(value: str) -> str:
    address = value[value.rfind("<") + 1 : -1] if value.endswith(">") else value
    if value and (not MAIL.fullmatch(address) or "\n" in value or "\r" in value):
        raise Invalid("not a mail address", "write name@example.org or Name <name@example.org>")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", value):
        raise Invalid("not a name that can be used", "use at most 64 small letters, digits, - and _, such as desk-lima")
    return value


def _name_or_none(value: str) -> str:
    return _name(value) if value else value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise Invalid("not a network", "write an address and the length of its prefix, such as 10.1.0.0/16") from None
    return value


def _list(value: Any) -> Any:
    # pydantic would take a set or a tuple as well; from a file only a list makes sense, and a lone text is a slip
    return tuple(value) if isinstance(value, list) else value


Country = Annotated[str, AfterValidator(_country)]
Language = Literal["es", "en"]
Zone = Annotated[str, AfterValidator(_zone)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration, when_used="json")]
LongerThanNothing = Annotated[Duration, AfterValidator(_positive)]
HostPort = Annotated[str, AfterValidator(_host_port)]
LinkBase = Annotated[str, AfterValidator(_base)]
HostPorts = Annotated[str, AfterValidator(_host_ports)]
NameOrNone = Annotated[str, AfterValidator(_name_or_none)]
Name = Annotated[str, AfterValidator(_name)]
MailAddress = Annotated[str, AfterValidator(_mail)]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
Level = Literal["informational", "low", "medium", "high", "critical"]
Tlp = Literal["CLEAR", "GREEN", "AMBER", "RED"]
AS_LIST: Final = BeforeValidator(_list)
Countries = Annotated[tuple[Country, ...], AS_LIST]
Levels = Annotated[tuple[Level, ...], AS_LIST]
Texts = Annotated[tuple[str, ...], AS_LIST]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], AS_LIST]
