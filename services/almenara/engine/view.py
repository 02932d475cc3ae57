"""An event as rules see it: dotted paths into its data, `ce.*` for its envelope.

A key that itself contains the dot wins first; a list means any of its elements. An absent field is not an empty one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from almenara.domain.event import Event
from almenara.engine.matching.match import is_text, text_of

_ABSENT: Final[tuple[Any, ...]] = ()


class View:
    """One event under evaluation. A `plain` event (any JSON, no CloudEvent) has no envelope and no log source.

    Only events of one `scope` are correlated: the country, where the engine keeps countries apart.
    """

    __slots__ = ("_folded", "_found", "event", "plain", "scope", "zones")

    def __init__(self, event: Event, zones: Mapping[str, str], *, plain: bool = False, scope: str = "") -> None:
        self.event = event
        self.zones = zones
        self.plain = plain
        self.scope = scope
        self._found: dict[str, tuple[Any, ...]] = {}
        self._folded: dict[str, tuple[str, ...]] = {}

    def values(self, path: str) -> tuple[Any, ...]:
        """Every value at the path, lists flattened; empty when the field is absent. A null is a value (None)."""
        found = self._found.get(path)
        if found is None:
            found = self._envelope(path) if path.startswith("ce.") and not self.plain else lookup(self.event.data, path)
            self._found[path] = found
        return found

    def folded(self, path: str) -> tuple[str, ...]:
        """The spelling of every value at the path that has one, without case."""
        found = self._folded.get(path)
        if found is None:
            found = tuple([text_of(value).casefold() for value in self.values(path) if is_text(value)])
            self._folded[path] = found
        return found

    def first(self, path: str) -> Any:
        """The first value at the path that is not null, or None."""
        return next((value for value in self.values(path) if value is not None), None)

    def day(self) -> str:
        """The day of the event (ISO) in its country's zone."""
        return local(self.event.time, self.zones.get(self.event.country, "UTC")).date().isoformat()

    def _envelope(self, path: str) -> tuple[Any, ...]:
        name = path[3:]
        if name == "day":
            return (self.day(),)
        value = getattr(self.event, name, None) if name in ("id", "source", "type", "country", "subject") else None
        return (value,) if value not in (None, "") else lookup(self.event.data, path)


def lookup(data: Any, path: str) -> tuple[Any, ...]:
    """Every value at a dotted path of a JSON value, lists flattened."""
    if data.__class__ is not dict:  # what it nearly always is, and asked in no time
        if isinstance(data, list | tuple):
            return tuple(value for item in data for value in lookup(item, path))
        if not isinstance(data, Mapping):
            return _ABSENT
    if path in data:
        return _flat(data[path])
    # The longest key with dots in it wins: {"a.b": {"c": 1}} answers a.b.c before {"a": {"b": {"c": 2}}}.
    cut = path.rfind(".")
    while cut > 0:
        head = path[:cut]
        if head in data:
            found = lookup(data[head], path[cut + 1 :])
            if found:
                return found
        cut = path.rfind(".", 0, cut)
    return _ABSENT


def local(moment: datetime, zone: str) -> datetime:
    """The moment on the clocks of an IANA zone."""
    return moment.astimezone(ZoneInfo(zone))


def _flat(value: Any) -> tuple[Any, ...]:
    if value.__class__ is str:
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(inner for item in value for inner in _flat(item))
    return (value,)
