"""The enricher: writes ids beside names, who is mentioned in an article, and the rhetoric score into statements.

Pure, part of the ruleset's version. An id is written by exact name or alias only; a name that two entries with
different ids claim gets none.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from almenara.domain.event import Event
from almenara.engine.folding import Phrases, fold
from almenara.engine.rhetoric import Scorer, rhetoric_of
from almenara.engine.watchlist import Watchlist, names_of

STATEMENT: Final = "statement.made"
ARTICLE: Final = "article.published"
_TOLD_IN: Final = ("title", "summary", "quote", "text")
"""The fields of an article that are searched for names."""
_SHORT: Final = 200
_folded: Final = lru_cache(maxsize=4_096)(fold)
"""The same few people and papers are named again and again: short names are folded once, for a while."""


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
        self._mentionable = tuple(self._ids.values())
        self._found_in = Phrases(self._ids).found_in

    def enrich(self, event: Event) -> Event:
        """The event with `<x>.id` beside every `<x>.name` that is known, and `rhetoric` in statements."""
        data = self._named(event.data) if self._names_someone(event.data) else event.data
        if event.type == STATEMENT:
            rhetoric = rhetoric_of(data, self._scorer)
            if rhetoric is not None:
                data = {**data, "rhetoric": rhetoric}
        elif event.type == ARTICLE and "mentioned" not in data:
            mentioned = self.mentioned(data)
            if mentioned:
                data = {**data, "mentioned": mentioned}
        return event if data is event.data else event.holding(data)

    @staticmethod
    def writes(path: str) -> bool:
        """Whether what stands at a path of the data may be another after `enrich`."""
        names = path.split(".")
        return "id" in names or names[0] in ("rhetoric", "mentioned")

    def id_of(self, name: str) -> str | None:
        """The id that this name or alias stands for, or None."""
        return self._ids.get(fold(name))

    def name_of(self, uid: str) -> str | None:
        """The name that the lists give this id, or None."""
        return self._names.get(uid)

    def mentioned(self, data: Mapping[str, Any]) -> list[dict[str, str]]:
        """Id and name of everyone on the lists who is named in an article as whole words, in order of first mention."""
        found: list[int] = []
        found_in = self._found_in
        for field in _TOLD_IN:
            if field in data:
                value = data[field]
                for text in (value,) if value.__class__ is str else _texts(value):
                    numbers = found_in(text)
                    if numbers:
                        found += numbers
        if not found:
            return []
        ids = dict.fromkeys(map(self._mentionable.__getitem__, found))
        return [{"id": uid, "name": self._names[uid]} for uid in ids]

    def _names_someone(self, data: Mapping[str, Any]) -> bool:
        """Whether `_named` would write an id: most events name nobody known, and to look costs less than to write."""
        if not self._ids:
            return False
        parts: list[Any] = [data]
        for part in parts:  # grows while it is walked
            values: Iterable[Any] = part
            if not isinstance(part, list):
                name = part.get("name")
                if name.__class__ is str and not part.get("id") and _spelled(name) in self._ids:
                    return True
                values = part.values()
            for value in values:
                # A class is compared in no time; only what is neither text nor exactly one of the two is asked further.
                kind = value.__class__
                if kind is dict or kind is list or (kind is not str and isinstance(value, (dict, list))):
                    parts.append(value)
        return False

    def _named(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same object where nothing was added, else a copy with the ids."""
        changed: dict[str, Any] = {}
        for key, inner in data.items():
            if isinstance(inner, dict):
                new: Any = self._named(inner)
            elif isinstance(inner, list):
                new = self._each_named(inner)
            else:
                continue
            if new is not inner:
                changed[key] = new
        name = data.get("name")
        if name.__class__ is str and not data.get("id"):
            known = self._ids.get(_spelled(name))
            if known is not None:
                changed["id"] = known
        return {**data, **changed} if changed else data

    def _each_named(self, values: list[Any]) -> list[Any]:
        """The same for each item of a list."""
        changed = False
        items = []
        for item in values:
            new: Any = item
            if isinstance(item, dict):
                new = self._named(item)
            elif isinstance(item, list):
                new = self._each_named(item)
            changed = changed or new is not item
            items.append(new)
        return items if changed else values


def _spelled(name: str) -> str:
    """The folded name."""
    return _folded(name) if len(name) <= _SHORT else fold(name)


def _texts(value: Any) -> Iterable[str]:
    """The text, or those by language."""
    if isinstance(value, str):
        return (value,)
    return [text for text in value.values() if isinstance(text, str)] if isinstance(value, Mapping) else ()
