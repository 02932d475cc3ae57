"""A ruleset: all rules, watchlists and lexicons as one thing with one hash. Checked as a whole, used as a whole.

Content in (names to texts), compiled rules out. Reading files and storing blobs is somebody else's work.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from zoneinfo import available_timezones

from sigma.rule import SigmaRule

from almenara.domain.errors import Fault, Faulty
from almenara.domain.ids import canonical
from almenara.engine.enrich import Enricher
from almenara.engine.matching.condition import ConditionCompiler
from almenara.engine.matching.match import Unsupported
from almenara.engine.reading import correlations, documents, sigma
from almenara.engine.reading.extension import ExtensionReader
from almenara.engine.reading.parsed import Parsed, common
from almenara.engine.rhetoric import LexiconScorer, parse_lexicon
from almenara.engine.rule import Rule, SingleRule
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
    """Compiled rules with the lists they look into.

    `zones` maps a country to its IANA zone, `countries` its code to its names by language.
    """

    rules: tuple[Rule, ...]
    lists: Mapping[str, Watchlist]
    enricher: Enricher
    zones: Mapping[str, str]
    countries: Mapping[str, Mapping[str, str]]
    allowed_lateness: timedelta | None = None
    by_name: Mapping[str, Rule] = field(default_factory=dict)


def content_of(blob: bytes) -> Content:
    """The content of a stored blob. Raises Faulty when it is no ruleset."""
    try:
        raw = json.loads(blob)
        return Content({str(k): str(v) for k, v in raw["files"].items()}, raw["allowed_lateness_s"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Faulty([Fault("ruleset", 0, f"the blob is no ruleset: {error}", "activate it again")]) from error


def build(content: Content) -> Ruleset:
    """The compiled ruleset. Raises Faulty with every fault of every file."""
    return _Builder(content).build()


class _Builder:
    def __init__(self, content: Content) -> None:
        self._content = content
        self._faults: list[Fault] = []

    def build(self) -> Ruleset:
        files = self._content.files
        lists = self._lists(files)
        parsed = [p for path in sorted(files) if path.startswith("rules/") for p in self._documents(path, files[path])]
        self._same_names(parsed)
        singles = self._singles(parsed, lists)
        version = canonical([lists[name].version for name in sorted(lists)]).decode()
        compiled = correlations.compile_all(parsed, singles, version, self._faults)
        if self._faults:
            raise Faulty(sorted(self._faults, key=lambda f: (f.file, f.line, f.column)))
        lateness = self._content.allowed_lateness_s
        rules = (*singles.values(), *compiled)
        return Ruleset(
            rules=rules,
            lists=lists,
            enricher=Enricher([lists[name] for name in sorted(lists)], self._scorer(files)),
            zones=self._zones(files.get(ZONES, "")),
            countries=_country_names(files.get(COUNTRIES, "")),
            allowed_lateness=None if lateness is None else timedelta(seconds=lateness),
            by_name={rule.name: rule for rule in rules},
        )

    def _lists(self, files: Mapping[str, str]) -> dict[str, Watchlist]:
        lists: dict[str, Watchlist] = {}
        for path in sorted(files):
            if path.startswith("watchlists/") and path.endswith(".csv"):
                name = path.removeprefix("watchlists/").removesuffix(".csv")
                lists[name], faults = parse_watchlist(name, files[path], path)
                self._faults += faults
        return lists

    def _documents(self, path: str, text: str) -> list[Parsed]:
        read, faults = documents.read(text, path)
        self._faults += faults
        found: list[Parsed] = []
        for document in read:
            rule, faults = sigma.parse(document)
            self._faults += faults
            if not isinstance(document.data, dict):
                continue
            reader = ExtensionReader(document)
            extension = reader.read()
            self._faults += reader.faults
            if rule is not None:
                found.append(Parsed(document, rule, extension))
        return found

    def _same_names(self, parsed: list[Parsed]) -> None:
        seen: dict[str, Parsed] = {}
        for one in parsed:
            if one.name in seen:
                other = seen[one.name].document
                place = f"{other.file}:{other.line('name')}"
                self._faults.append(one.document.fault(("name",), f"the name '{one.name}' is taken", f"see {place}"))
            seen.setdefault(one.name, one)

    def _singles(self, parsed: list[Parsed], lists: Mapping[str, Watchlist]) -> dict[str, SingleRule]:
        compiler = ConditionCompiler(lists)
        feeding = correlations.feeding(parsed)
        found: dict[str, SingleRule] = {}
        for one in parsed:
            if not isinstance(one.rule, SigmaRule):
                continue
            try:
                conditions = [compiler.compile(c.parsed) for c in one.rule.detection.parsed_condition]
            except Unsupported as error:
                self._faults.append(one.document.fault(("detection",), str(error)))
                continue
            if len(conditions) != 1:
                place = ("detection", "condition")
                self._faults.append(one.document.fault(place, "a list of conditions", "join them with `or`"))
                continue
            source, data = one.rule.logsource, one.document.data
            found[one.name] = SingleRule(
                **common(one),
                alerts=one.name not in feeding and str(one.rule.id) not in feeding,
                condition=conditions[0],
                category=source.category or "",
                product=source.product or "",
                detection_hash=canonical([one.name, data.get("detection"), data.get("logsource")]).decode(),
            )
        return found

    def _scorer(self, files: Mapping[str, str]) -> LexiconScorer:
        terms: list[tuple[str, float]] = []
        for path in sorted(files):
            if path.startswith("lexicons/hostile") and path.endswith(".csv"):
                found, faults = parse_lexicon(files[path], path)
                terms += found
                self._faults += faults
        if self._faults:
            raise Faulty(self._faults)
        return LexiconScorer(terms)

    def _zones(self, text: str) -> dict[str, str]:
        zones: dict[str, str] = {}
        for line, row in enumerate(text.splitlines()[1:], start=2):
            country, _, zone = row.partition(",")
            if zone.strip() not in available_timezones():
                raise Faulty([Fault(ZONES, line, f"'{zone}' is no time zone", "write an IANA name: America/Lima")])
            zones[country.strip()] = zone.strip()
        return zones


def _country_names(text: str) -> dict[str, dict[str, str]]:
    """Names by language from a CSV with at least the columns alpha3, name_en, name_es."""
    rows = csv.DictReader(io.StringIO(text, newline=None))
    missing = [column for column in ("alpha3", "name_en", "name_es") if text and column not in (rows.fieldnames or ())]
    if missing:
        raise Faulty([Fault(COUNTRIES, 1, f"no column {', '.join(missing)}", "columns: alpha3,name_en,name_es")])
    return {row["alpha3"]: {"en": row["name_en"], "es": row["name_es"]} for row in rows if row.get("alpha3")}
