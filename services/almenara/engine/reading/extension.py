"""The `almenara:` map of a rule: what is ours beyond Sigma. Parsed with all its faults, each at its place."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from almenara.domain.durations import format_duration, parse_duration
from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Document, Path
from almenara.engine.rule import ANY_COUNTRY, NO_TIME, REMEMBER, Baseline, OnePer, OnLate

KEYS: Final = (
    "absence", "baseline", "change", "first_seen", "grace", "one_per", "owner", "say", "say_unchecked", "tags", "tests",
    "version",
)  # fmt: skip
DETECTING: Final = ("absence", "baseline", "change", "first_seen", "grace", "one_per")
"""The keys that say what a rule detects; the others are words, owners and tests."""

ABSENCE_KEYS: Final = ("anchor", "look_back", "publish_lag", "grace", "remember", "on_late", "coverage")

SHORTEST_MEMORY: Final = timedelta(days=2)
REMEMBER_CURE: Final = "write 2d or more: what is known only to the day must outlive its day"


@dataclass(slots=True)
class Absence:
    """The `absence:` map."""

    anchor: str = ""
    look_back: timedelta = NO_TIME
    publish_lag: timedelta = NO_TIME
    grace: timedelta = NO_TIME
    remember: timedelta = REMEMBER
    on_late: OnLate = OnLate.RESOLVE
    coverage: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class FirstSeen:
    """The `first_seen:` map."""

    fields: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    within: timedelta = NO_TIME
    learn: timedelta = NO_TIME


@dataclass(slots=True)
class ChangeOf:
    """The `change:` map."""

    field: str = ""
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class Extension:
    """The whole map, with defaults where nothing is said; what has faults is there, and means nothing."""

    absence: Absence | None = None
    baseline: Baseline | None = None
    change: ChangeOf | None = None
    first_seen: FirstSeen | None = None
    grace: timedelta = NO_TIME
    one_per: OnePer | None = None
    owner: str = ""
    say: Mapping[str, str] = field(default_factory=dict)
    say_unchecked: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    tests: Sequence[Mapping[str, Any]] = ()
    version: int = 1


class ExtensionReader:
    """Reads the map of one document and collects its faults."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.faults: list[Fault] = []

    def read(self) -> Extension:
        """The map; parts with faults keep their defaults."""
        raw = self._document.data.get("almenara", {})
        found = Extension()
        if not isinstance(raw, Mapping):
            self._fault(("almenara",), "must be a map", "indent its keys below it")
            return found
        self._known(raw, KEYS, ("almenara",))
        found.absence = self._absence(raw.get("absence"))
        found.baseline = self._baseline(raw.get("baseline"))
        found.change = self._change(raw.get("change"))
        found.first_seen = self._first_seen(raw.get("first_seen"))
        found.grace = self._duration(raw.get("grace", "0s"), ("almenara", "grace"))
        found.one_per = self._one_per(raw.get("one_per"))
        found.owner = str(raw.get("owner", ""))
        found.say = self._say(raw.get("say", {}), ("almenara", "say"))
        found.say_unchecked = self._say(raw.get("say_unchecked", {}), ("almenara", "say_unchecked"))
        found.tags = self._names(raw.get("tags", []), ("almenara", "tags"))
        tests = raw.get("tests", [])
        if isinstance(tests, list) and all(isinstance(test, Mapping) for test in tests):
            found.tests = tests
        else:
            self._fault(("almenara", "tests"), "must be a list of maps", "each with name, events and expect")
        version = raw.get("version", 1)
        if isinstance(version, int) and version >= 1:
            found.version = version
        else:
            self._fault(("almenara", "version"), f"'{version}' is no version", "write a whole number from 1")
        if "detection" in self._document.data and "correlation" not in self._document.data:
            self._over_one_event(found)
        return found

    def _over_one_event(self, found: Extension) -> None:
        """What a rule over one event cannot ask for."""
        cure = "write a document of its own with correlation: and this rule as its member"
        for key in ("absence", "baseline"):
            if getattr(found, key) is not None:
                self._told(("almenara", key), f"{key} needs a correlation", cure)
        if found.first_seen is not None and found.change is not None:
            self._told(("almenara", "change"), "first_seen and change in one rule", "write two rules, one for each")
        if found.first_seen is None and found.change is None and found.grace:
            self._told(("almenara", "grace"), "a rule over one event waits for nothing", "remove it")

    def _absence(self, raw: Any) -> Absence | None:
        if raw is None:
            return None
        path = ("almenara", "absence")
        if not isinstance(raw, Mapping):
            self._fault(path, "must be a map", "for example {anchor: a, grace: 6h}")
            return Absence()
        self._known(raw, ABSENCE_KEYS, path)
        found = Absence(anchor=str(raw.get("anchor", "")))
        if not found.anchor:
            self._fault(path, "names no anchor", "add anchor: and the rule that starts the wait")
        for name in ("look_back", "publish_lag", "grace"):
            setattr(found, name, self._duration(raw.get(name, "0s"), (*path, name)))
        sound = len(self.faults)
        found.remember = self._duration(raw.get("remember", format_duration(REMEMBER)), (*path, "remember"))
        if found.remember < SHORTEST_MEMORY and len(self.faults) == sound:
            self._fault((*path, "remember"), f"'{raw['remember']}' is shorter than two days", REMEMBER_CURE)
        try:
            found.on_late = OnLate(raw.get("on_late", "resolve"))
        except ValueError:
            self._fault((*path, "on_late"), f"'{raw['on_late']}' is unknown", "resolve, retract or ignore")
        found.coverage = self._coverage(raw.get("coverage", []), (*path, "coverage"))
        return found

    def _coverage(self, raw: Any, path: Path) -> Mapping[str, tuple[str, ...]]:
        """Sources for every country (a list), or by country (a map)."""
        if isinstance(raw, Mapping):
            return {country: self._names(sources, (*path, country)) for country, sources in raw.items()}
        names = self._names(raw, path)
        return {ANY_COUNTRY: names} if names else {}

    def _one_per(self, raw: Any) -> OnePer | None:
        if raw is None:
            return None
        path = ("almenara", "one_per")
        if not isinstance(raw, Mapping) or not raw.get("keys"):
            self._fault(path, "must be a map with keys and within", "for example {keys: [official], within: 48h}")
        if not isinstance(raw, Mapping):
            return None
        self._known(raw, ("keys", "within"), path)
        within = self._duration(raw.get("within", "0s"), (*path, "within"))
        return OnePer(keys=self._names(raw.get("keys") or [], (*path, "keys")), within=within)

    def _baseline(self, raw: Any) -> Baseline | None:
        example, path = "for example {of: 90d, at_least: 3}", ("almenara", "baseline")
        if raw is None or not self._is_map(raw, ("of", "at_least"), path, example):
            return None if raw is None else Baseline(of=NO_TIME, at_least=1)
        least = raw.get("at_least")
        if isinstance(least, bool) or not isinstance(least, int | float) or least <= 0:
            self._fault((*path, "at_least"), f"'{least}' is no number above 0", "write how many times the usual: 3.0")
            least = 1
        return Baseline(of=self._lasting(raw.get("of"), (*path, "of")), at_least=least)

    def _first_seen(self, raw: Any) -> FirstSeen | None:
        example, path = "for example {fields: [counterpart.id], within: 365d, learn: 30d}", ("almenara", "first_seen")
        if raw is None or not self._is_map(raw, ("fields", "keys", "within", "learn"), path, example):
            return None if raw is None else FirstSeen()
        found = FirstSeen(
            fields=self._names(raw.get("fields", []), (*path, "fields")),
            keys=self._names(raw.get("keys", []), (*path, "keys")),
            within=self._lasting(raw.get("within"), (*path, "within")),
            learn=self._duration(raw.get("learn", "0s"), (*path, "learn")),
        )
        if not found.fields:
            self._fault(path, "names no fields", f"say which combination is to be new, {example}")
        return found

    def _change(self, raw: Any) -> ChangeOf | None:
        example, path = "for example {field: position.new, keys: [actor.country]}", ("almenara", "change")
        if raw is None or not self._is_map(raw, ("field", "keys"), path, example):
            return None if raw is None else ChangeOf()
        field_ = raw.get("field")
        if not isinstance(field_, str) or not field_:
            self._fault(path, "names no field", f"say whose value is to change, {example}")
        return ChangeOf(field=str(field_), keys=self._names(raw.get("keys", []), (*path, "keys")))

    def _is_map(self, raw: Any, known: Sequence[str], path: Path, example: str) -> bool:
        if not isinstance(raw, Mapping):
            self._fault(path, "must be a map", example)
            return False
        self._known(raw, known, path)
        return True

    def _lasting(self, raw: Any, path: Path) -> timedelta:
        """A duration that must be there and longer than nothing."""
        before = len(self.faults)
        found = self._duration("0s" if raw is None else raw, path)
        if not found and len(self.faults) == before:
            self._fault(path, "is no time at all" if raw is not None else "is missing", "write a duration such as 90d")
        return found

    def _say(self, raw: Any, path: Path) -> Mapping[str, str]:
        if not isinstance(raw, Mapping) or any(not isinstance(text, str) for text in raw.values()):
            self._fault(path, "must map languages to sentences", "write en: '...' and es: '...'")
            return {}
        for language in raw:
            if language not in ("en", "es"):
                self._fault((*path, language), f"unknown language '{language}'", "en or es")
        for language in ("en", "es"):
            if raw and language not in raw:
                self._fault(path, f"has no sentence in {language}", f"add {language}: '...'")
        return dict(raw)

    def _names(self, raw: Any, path: Path) -> tuple[str, ...]:
        if isinstance(raw, list) and all(isinstance(name, str) for name in raw):
            return tuple(raw)
        self._fault(path, "must be a list of names", "write [one, two]")
        return ()

    def _duration(self, raw: Any, path: Path) -> timedelta:
        try:
            return parse_duration(str(raw))
        except ValueError as error:
            self._fault(path, f"'{raw}' is {error}", "")
            return NO_TIME

    def _known(self, raw: Mapping[str, Any], known: Sequence[str], path: Path) -> None:
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                cure = f"did you mean '{near[0]}'?" if near else f"one of {', '.join(known)}"
                self._fault((*path, key), f"unknown key '{key}'", cure)

    def _fault(self, path: Path, what: str, cure: str) -> None:
        self._told(path, f"{'.'.join(str(part) for part in path)}: {what}", cure)

    def _told(self, path: Path, what: str, cure: str) -> None:
        self.faults.append(self._document.fault(path, what, cure))
