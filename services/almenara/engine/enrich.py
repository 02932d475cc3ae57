"""The enricher: writes ids beside names, and the rhetoric score into statements. Pure, part of the ruleset's version.

An id is written by exact name or alias only; a name that two entries with different ids claim gets none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from almenara.domain.event import Event
from almenara.engine.rhetoric import Scorer, rhetoric_of
from almenara.engine.watchlist import Watchlist, fold, names_of

STATEMENT = "statement.made"


class Enricher:
    """Enriches events with the lists and the scorer of one ruleset."""

    def __init__(self, lists: Sequence[Watchlist], scorer: Scorer) -> None:
        self._scorer = scorer
        self._ids: dict[str, str] = {}
        self.ambiguous: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, str] = {}
        claims: dict[str, dict[str, None]] = {}
        for listed in lists:
            for entry in listed.entries:
                self._names.setdefault(entry["id"], entry["name"])
                for name in names_of(entry):
                    claims.setdefault(fold(name), {})[entry["id"]] = None
        for name, ids in claims.items():
            if len(ids) == 1:
                self._ids[name] = next(iter(ids))
            else:
                self.ambiguous[name] = tuple(ids)

    def enrich(self, event: Event) -> Event:
        """The event with `<x>.id` beside every `<x>.name` that is known, and `rhetoric` in statements."""
        data = self._named(event.data)
        if event.type == STATEMENT:
            rhetoric = rhetoric_of(data, self._scorer)
            if rhetoric is not None:
                data = {**data, "rhetoric": rhetoric}
        return event if data is event.data else replace(event, data=data)

    def id_of(self, name: str) -> str | None:
        """The id that this name or alias stands for, or None."""
        return self._ids.get(fold(name))

    def name_of(self, uid: str) -> str | None:
        """The name that the lists give this id, or None."""
        return self._names.get(uid)

    def _named(self, value: Any) -> Any:
        """The same value where nothing was added, else a copy with the ids."""
        if isinstance(value, list | tuple):
            items = [self._named(item) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if not isinstance(value, Mapping):
            return value
        found = {key: self._named(inner) for key, inner in value.items()}
        changed = any(found[key] is not value[key] for key in value)
        name = value.get("name")
        if isinstance(name, str) and not value.get("id"):
            known = self.id_of(name)
            if known is not None:
                return {**found, "id": known}
        return found if changed else value
