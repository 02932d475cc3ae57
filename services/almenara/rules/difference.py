"""What changed between two rulesets, as people speak of it: rules, watchlist entries, lexicon terms, lateness.

Pure: two contents with what was compiled of them in, the differences out. `difference_text` puts them into words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from almenara.engine.reading.places import documents_by_filter, documents_by_rule
from almenara.engine.rhetoric import parse_lexicon
from almenara.engine.rule import AnyRule, SingleRule, goes_on
from almenara.engine.ruleset import ZONES, Content, Ruleset
from almenara.engine.watchlist import COLUMNS, Watchlist, names_of

_THRESHOLD: Final = "threshold"
_WORDS: Final[Mapping[str, str]] = {
    **{f"correlation.condition.{op}": _THRESHOLD for op in ("gt", "gte", "lt", "lte", "eq", "neq")},
    "correlation.condition.field": "field",
    "correlation.condition": "condition",
    "detection.condition": "condition",
    "filter.condition": "condition",
}
_TAKEN_APART: Final = ("filter", "detection", "correlation", "correlation.condition", "almenara", "almenara.absence",
                       "almenara.say", "almenara.say_unchecked", "logsource")  # fmt: skip


class Kind(StrEnum):
    """What became of something."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Fate(StrEnum):
    """What becomes of a rule's state when the second set follows the first."""

    KEPT = "kept"
    ANEW = "starts anew"
    NEW = "new"
    ENDED = "ended"
    OTHER = "another rule"


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that changed: what it is called, its dotted path, and both values (None = not there)."""

    what: str
    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What became of a rule. `because` names what else made a rule start anew: its members and the lists it looks into.

    `like` is a rule of the other set with the same detection: a renamed rule is another rule.
    """

    rule: str
    kind: Kind
    fate: Fate
    title: str
    edits: tuple[Edit, ...] = ()
    because: tuple[str, ...] = ()
    like: str = ""


@dataclass(frozen=True, slots=True)
class FilterChange:
    """What became of a filter, and the rules that it held or holds events back from."""

    filter: str
    kind: Kind
    rules: tuple[str, ...]
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What became of a watchlist entry or of a lexicon term; `edits` are its columns."""

    id: str
    name: str
    kind: Kind
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class TableChange:
    """What became of a watchlist, a lexicon or another table: entry by entry."""

    table: str
    kind: Kind
    entries: tuple[EntryChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs. `lateness_s` are both bounds in seconds (None = no bound), empty where they are the same."""

    rules: tuple[RuleChange, ...]
    kept: tuple[str, ...]
    filters: tuple[FilterChange, ...]
    watchlists: tuple[TableChange, ...]
    lexicons: tuple[TableChange, ...]
    tables: tuple[TableChange, ...]
    lateness_s: tuple[int | None, ...]

    def __bool__(self) -> bool:
        return bool(self.rules or self.filters or self.watchlists or self.lexicons or self.tables or self.lateness_s)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two rulesets: what it is made of, and what was compiled of it."""

    content: Content
    ruleset: Ruleset


def difference(before: Side, after: Side) -> Difference:
    """Everything that differs from the first ruleset to the second; `kept` are the rules that did not change at all."""
    changes = tuple(_rules(before, after))
    changed = {change.rule for change in changes}
    bounds = before.content.allowed_lateness_s, after.content.allowed_lateness_s
    return Difference(
        rules=changes,
        kept=tuple(rule.name for rule in after.ruleset.rules if rule.name not in changed),
        filters=tuple(_filters(before, after)),
        watchlists=tuple(_tables(_lists(before), _lists(after))),
        lexicons=tuple(_tables(_lexicons(before.content), _lexicons(after.content))),
        tables=tuple(_tables(_others(before.content), _others(after.content))),
        lateness_s=bounds if bounds[0] != bounds[1] else (),
    )


def _rules(before: Side, after: Side) -> Iterator[RuleChange]:
    old, new = documents_by_rule(before.content.files), documents_by_rule(after.content.files)
    lists = {change.table for change in _tables(_lists(before), _lists(after))}
    for name, rule in after.ruleset.by_name.items():
        earlier = before.ruleset.by_name.get(name)
        if earlier is None:
            like = next((o for o in old if o not in after.ruleset.by_name and _alike(old[o].data, new[name].data)), "")
            yield RuleChange(name, Kind.ADDED, Fate.NEW, rule.title, like=like)
            continue
        edits = list(_edits(old[name].data, new[name].data))
        if earlier.file != rule.file:
            edits.append(Edit("file", "file", earlier.file, rule.file))
        anew = earlier.detection_hash != rule.detection_hash
        ended = earlier.alerts and not goes_on(earlier, rule)
        if edits or anew or ended:
            because = tuple(_because(rule, before.ruleset, after.ruleset, sorted(lists))) if anew else ()
            fate = Fate.OTHER if ended else Fate.ANEW if anew else Fate.KEPT
            yield RuleChange(name, Kind.CHANGED, fate, rule.title, tuple(edits), because)
    for name, rule in before.ruleset.by_name.items():
        if name not in after.ruleset.by_name:
            like = next((n for n in new if n not in before.ruleset.by_name and _alike(old[name].data, new[n].data)), "")
            yield RuleChange(name, Kind.REMOVED, Fate.ENDED, rule.title, like=like)


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("detection", "logsource", "correlation"))


def _because(rule: AnyRule, before: Ruleset, after: Ruleset, lists: Sequence[str]) -> Iterator[str]:
    """What beside its own text a correlation's state depends on, and changed."""
    if isinstance(rule, SingleRule):
        earlier = before.by_name[rule.name]
        old_filters = _held(earlier) if isinstance(earlier, SingleRule) else {}
        new_filters = _held(rule)
        for name in dict.fromkeys((*old_filters, *new_filters)):
            if old_filters.get(name) != new_filters.get(name):
                yield f"filter {name}"
        return
    for name in rule.rules:
        old, new = before.by_name.get(name), after.by_name.get(name)
        if old is None or new is None or old.detection_hash != new.detection_hash:
            yield f"rule {name}"
    yield from (f"watchlist {name}" for name in lists)


def _held(rule: SingleRule) -> dict[str, tuple[Any, ...]]:
    """The filters of a rule, as far as they count for it."""
    return {held.name: (held.expression, held.expires) for held in rule.filters}


def _filters(before: Side, after: Side) -> Iterator[FilterChange]:
    old, new = documents_by_filter(before.content.files), documents_by_filter(after.content.files)
    for name in dict.fromkeys((*new, *old)):
        kind = Kind.CHANGED if name in old and name in new else Kind.ADDED if name in new else Kind.REMOVED
        edits = tuple(_edits(old[name].data if name in old else {}, new[name].data if name in new else {}))
        if edits:
            rules = {**_rules_of(before.ruleset, name), **_rules_of(after.ruleset, name)}
            yield FilterChange(name, kind, tuple(rules), edits if kind == Kind.CHANGED else ())


def _rules_of(ruleset: Ruleset, name: str) -> dict[str, None]:
    singles = (rule for rule in ruleset.rules if isinstance(rule, SingleRule))
    return {rule.name: None for rule in singles if any(held.name == name for held in rule.filters)}


def _edits(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[Edit]:
    """What differs between two maps, taken apart where the parts have a name of their own."""
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        where = f"{path}.{key}" if path else key
        if where in _TAKEN_APART and isinstance(old or {}, Mapping) and isinstance(new or {}, Mapping):
            yield from _edits(old or {}, new or {}, where)
        elif where == "almenara.tests":
            yield Edit("tests", where, len(old or ()), len(new or ()))
        else:
            yield Edit(_WORDS.get(where, where.removeprefix("almenara.").removeprefix("correlation.")), where, old, new)


Table = Mapping[str, Mapping[str, str]]
"""Rows by their key."""


def _tables(before: Mapping[str, Table], after: Mapping[str, Table]) -> Iterator[TableChange]:
    for name in sorted({*before, *after}):
        old, new = before.get(name, {}), after.get(name, {})
        kind = Kind.CHANGED if name in before and name in after else Kind.ADDED if name in after else Kind.REMOVED
        entries = tuple(_entries(old, new))
        if entries or kind != Kind.CHANGED:
            yield TableChange(name, kind, entries)


def _entries(old: Table, new: Table) -> Iterator[EntryChange]:
    for key in dict.fromkeys((*old, *new)):
        row = new[key] if key in new else old[key]
        name = row.get("name", "")
        if key not in old:
            given = (Edit(c, c, None, value) for c, value in row.items() if value and c != "name")
            yield EntryChange(key, name, Kind.ADDED, tuple(given))
        elif key not in new:
            yield EntryChange(key, name, Kind.REMOVED)
        elif old[key] != new[key]:
            columns = dict.fromkeys((*old[key], *new[key]))
            edits = (Edit(c, c, old[key].get(c), new[key].get(c)) for c in columns)
            yield EntryChange(key, name, Kind.CHANGED, tuple(e for e in edits if (e.before or "") != (e.after or "")))


def _lists(side: Side) -> dict[str, Table]:
    return {name: _rows(listed) for name, listed in side.ruleset.lists.items()}


def _rows(listed: Watchlist) -> Table:
    columns = [column for column in COLUMNS if column not in ("id", "aliases")]
    return {
        entry["id"]: {**{c: entry.get(c, "") for c in columns}, "aliases": " | ".join(sorted(names_of(entry)[1:]))}
        for entry in listed.entries
    }


def _lexicons(content: Content) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for path in sorted(content.files):
        if path.startswith("lexicons/") and path != ZONES:
            terms, _ = parse_lexicon(content.files[path], path)
            name = path.removeprefix("lexicons/").removesuffix(".csv")
            found[name] = {term: {"weight": f"{weight:g}"} for term, weight in terms}
    return found


def _others(content: Content) -> dict[str, Table]:
    """The tables that have no reader of their own here, line by line."""
    return {
        path: {line: {} for line in text.splitlines() if line.strip()}
        for path, text in sorted(content.files.items())
        if path == ZONES or not path.startswith(("rules/", "watchlists/", "lexicons/"))
    }
