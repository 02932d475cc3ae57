"""A ruleset: all rules, watchlists and lexicons as one thing with one hash. Checked as a whole, used as a whole.

Content in (names to texts), compiled rules out. Reading files and storing blobs is somebody else's work.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from zoneinfo import available_timezones

from almenara.domain.errors import Fault, Faulty
from almenara.domain.ids import canonical, content_id
from almenara.engine.enrich import Enricher
from almenara.engine.matching.matcher import Matcher
from almenara.engine.rhetoric import LexiconScorer, parse_lexicon
from almenara.engine.rule import AnyRule, Correlation, SingleRule
from almenara.engine.watchlist import Watchlist
from almenara.engine.watchlist import parse as parse_watchlist

ZONES: Final = "lexicons/zones.csv"
COUNTRIES: Final = "lists/countries.csv"


@dataclass(frozen=True, slots=True)
class Content:
    """What a ruleset is made of: texts by relative path (`rules/…`, `watchlists/…`, `lexicons/…`) and what else counts.

    `allowed_lateness_s` (seconds, None = no bound) decides which late events are counted, so it is part of the hash.
    """

    files: Mapping[str, str]
    allowed_lateness_s: int | None = None

    def blob(self) -> bytes:
        """The content as it is stored and hashed."""
        return canonical({"allowed_lateness_s": self.allowed_lateness_s, "files": dict(self.files)})


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Compiled rules with the lists they look into; the members of a correlation stand before it.

    `zones` maps a country to its IANA zone, `countries` its code to its names by language.
    """

    rules: tuple[AnyRule, ...]
    lists: Mapping[str, Watchlist]
    enricher: Enricher
    matcher: Matcher
    zones: Mapping[str, str]
    countries: Mapping[str, Mapping[str, str]]
    allowed_lateness: timedelta | None = None
    by_name: Mapping[str, AnyRule] = field(default_factory=dict)

    def only(self, names: Iterable[str]) -> "Ruleset":
        """The same with these rules and the members that feed them, and no others."""
        wanted: set[str] = set()
        waiting = list(names)
        while waiting:
            rule = self.by_name[waiting.pop()]
            if rule.name not in wanted:
                wanted.add(rule.name)
                waiting += rule.rules if isinstance(rule, Correlation) else ()
        rules = tuple(rule for rule in self.rules if rule.name in wanted)
        singles = [rule for rule in rules if isinstance(rule, SingleRule)]
        by_name = {rule.name: rule for rule in rules}
        return replace(self, rules=rules, matcher=Matcher(singles, self.lists), by_name=by_name)


def content_of(blob: bytes) -> Content:
    """The content of a stored blob. Raises Faulty when it is no ruleset."""
    try:
        raw = json.loads(blob)
        return Content({str(k): str(v) for k, v in raw["files"].items()}, raw["allowed_lateness_s"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Faulty([Fault("ruleset", 0, f"the blob is no ruleset: {error}", "activate it again")]) from error


def build(content: Content) -> Ruleset:
    """The compiled ruleset. Raises Faulty with every fault of every file."""
    # Here and not above: pySigma takes longer to import than everything else together, and a stored set needs none.
    from almenara.engine.reading.reader import read_rules

    faults: list[Fault] = []
    parts = _Parts(content, faults)
    rules = read_rules(content.files, parts.lists, _surroundings(content), faults)
    if faults:
        raise Faulty(sorted(faults, key=lambda f: (f.file, f.line, f.column)))
    return parts.ruleset(rules)


def _surroundings(content: Content) -> str:
    """A digest of everything beside the rules that can change what a rule over several events counts."""
    others = {name: text for name, text in content.files.items() if not name.startswith("rules/")}
    return content_id(content.allowed_lateness_s, others)


def assemble(content: Content, rules: Sequence[AnyRule]) -> Ruleset:
    """The ruleset of a content whose rules were compiled before. Raises Faulty for its lists and lexicons."""
    faults: list[Fault] = []
    parts = _Parts(content, faults)
    if faults:
        raise Faulty(faults)
    return parts.ruleset(rules)


class _Parts:
    """Everything of a ruleset but its rules."""

    def __init__(self, content: Content, faults: list[Fault]) -> None:
        self._content = content
        self._faults = faults
        self.lists = self._read_lists(content.files)
        self._scorer = self._read_scorer(content.files)
        self._zones = self._read_zones(content.files.get(ZONES, ""))
        self._countries = _country_names(content.files.get(COUNTRIES, ""), faults)

    def ruleset(self, rules: Sequence[AnyRule]) -> Ruleset:
        """All of it as one, with these rules."""
        lateness = self._content.allowed_lateness_s
        return Ruleset(
            rules=tuple(rules),
            lists=self.lists,
            enricher=Enricher([self.lists[name] for name in sorted(self.lists)], self._scorer),
            matcher=Matcher([rule for rule in rules if isinstance(rule, SingleRule)], self.lists),
            zones=self._zones,
            countries=self._countries,
            allowed_lateness=None if lateness is None else timedelta(seconds=lateness),
            by_name={rule.name: rule for rule in rules},
        )

    def _read_lists(self, files: Mapping[str, str]) -> dict[str, Watchlist]:
        lists: dict[str, Watchlist] = {}
        for path in sorted(files):
            if path.startswith("watchlists/") and path.endswith(".csv"):
                name = path.removeprefix("watchlists/").removesuffix(".csv")
                lists[name], faults = parse_watchlist(name, files[path], path)
                self._faults += faults
        return lists

    def _read_scorer(self, files: Mapping[str, str]) -> LexiconScorer:
        terms: list[tuple[str, float]] = []
        for path in sorted(files):
            if path.startswith("lexicons/hostile") and path.endswith(".csv"):
                found, faults = parse_lexicon(files[path], path)
                terms += found
                self._faults += faults
        return LexiconScorer(terms)

    def _read_zones(self, text: str) -> dict[str, str]:
        zones: dict[str, str] = {}
        for line, row in enumerate(text.splitlines()[1:], start=2):
            country, _, zone = row.partition(",")
            if zone.strip() in available_timezones():
                zones[country.strip()] = zone.strip()
            else:
                cure = "write an IANA name: America/Lima"
                self._faults.append(Fault(ZONES, line, f"'{zone}' is no time zone", cure))
        return zones


def _country_names(text: str, faults: list[Fault]) -> dict[str, dict[str, str]]:
    """Names by language from a CSV with at least the columns alpha3, name_en, name_es."""
    rows = csv.DictReader(io.StringIO(text, newline=None))
    missing = [column for column in ("alpha3", "name_en", "name_es") if text and column not in (rows.fieldnames or ())]
    if missing:
        faults.append(Fault(COUNTRIES, 1, f"no column {', '.join(missing)}", "columns: alpha3,name_en,name_es"))
        return {}
    return {row["alpha3"]: {"en": row["name_en"], "es": row["name_es"]} for row in rows if row.get("alpha3")}
