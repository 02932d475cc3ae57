"""Filters: documents of their own that hold events back from rules. Read, and given to the rules that they name.

They are joined to a rule's expression and not, as pySigma does, to its text, where names are made up at random.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaLogSource

from almenara.domain.errors import Fault
from almenara.domain.ids import canonical
from almenara.engine.reading import sigma
from almenara.engine.reading.detections import DetectionReader
from almenara.engine.reading.documents import Document
from almenara.engine.reading.expressions import negated
from almenara.engine.reading.modifiers import nearest
from almenara.engine.reading.parsed import Parsed
from almenara.engine.rule import Filter

ANY: Final = "any"
KEYS: Final = ("expires", "owner", "reason")


@dataclass(frozen=True, slots=True)
class Found:
    """One filter document: whom it names (`any`, or names and ids of rules), its log source, and what it holds back."""

    document: Document
    names: tuple[str, ...]
    source: SigmaLogSource
    filter: Filter | None = None

    @property
    def hash(self) -> str:
        """What the filter is to a rule's detection; which rules it names besides is none of it."""
        if self.filter is None:
            return ""
        raw = {key: value for key, value in self.document.data["filter"].items() if key != "rules"}
        return canonical([self.filter.name, raw, self.filter.expires]).decode()


def is_filter(document: Document) -> bool:
    """Whether a document is meant as a filter."""
    data = document.data
    return isinstance(data, Mapping) and ("filter" in data or data.get("type") == "filter")


class FilterReader:
    """Reads one filter document and collects its faults."""

    def __init__(self, document: Document, lists: Collection[str]) -> None:
        self._document, self._lists = document, lists
        self.faults: list[Fault] = []

    def read(self) -> Found | None:
        """The filter, as far as it can be told whom it names; where there are faults it holds nothing back."""
        document = self._document
        self.faults += sigma.words_of_filter(document)
        source, wrong = sigma.log_source(document)
        self.faults += wrong
        for other in ("detection", "correlation"):
            if other in document.data:
                self._fault((other,), f"a filter has no {other}", "make two documents of it, with --- between them")
        detection = DetectionReader(document, "filter", self._lists)
        expression = detection.read()
        self.faults += detection.faults
        names = self._names(document.data.get("filter"))
        own = self._own(document.data.get("almenara"))
        if source is None:
            return None
        if self.faults or expression is None:
            return Found(document, names, source)
        held = negated(expression) if detection.negative else expression
        name = str(document.data.get("name") or document.data["title"])
        made = Filter(name=name, expression=held, file=document.file, line=document.line("title"), **own)
        return Found(document, names, source, made)

    def _names(self, raw: Any) -> tuple[str, ...]:
        rules = raw.get("rules") if isinstance(raw, Mapping) else None
        if isinstance(rules, str):
            rules = [rules]
        cure = "rules: any, or a list of names or ids"
        if not isinstance(rules, list) or not rules:
            self._fault(("filter", "rules"), "the filter names no rule", cure)
            return ()
        for index, name in enumerate(rules):
            if not isinstance(name, str) or not name:
                self._fault(("filter", "rules", index), f"'{name}' is no name", cure)
        return tuple(str(name) for name in rules)

    def _own(self, raw: Any) -> dict[str, str]:
        """The map `almenara:` of a filter. Filters of other people have none; who writes one says who and why."""
        if raw is None:
            return {}
        if not isinstance(raw, Mapping):
            self._fault(("almenara",), "almenara: must be a map", "indent its keys below it")
            return {}
        for key in raw:
            if key not in KEYS:
                cure = nearest(key, KEYS, f"a filter has {', '.join(KEYS)}")
                self._fault(("almenara", key), f"almenara.{key}: unknown key '{key}'", cure)
        found = {key: raw.get(key, "") for key in KEYS}
        for key in ("owner", "reason"):
            if not isinstance(found[key], str) or not found[key].strip():
                self._fault(("almenara", key), f"the filter has no {key}", f"add {key}: and a text")
        if found["expires"] and not _is_day(found["expires"]):
            self._fault(("almenara", "expires"), f"'{found['expires']}' is no day", "write YYYY-MM-DD")
        return {key: str(value) for key, value in found.items()}

    def _fault(self, path: tuple[str | int, ...], what: str, cure: str) -> None:
        self.faults.append(self._document.fault(path, what, cure))


def assign(
    filters: Sequence[Found], parsed: Sequence[Parsed], failed: Collection[str], faults: list[Fault]
) -> dict[str, list[Found]]:
    """The filters of each rule over one event, by its name, in order. `failed` are rules whose faults are told."""
    given: dict[str, list[Found]] = {}
    for found in filters:
        for name in _rules_of(found, parsed, failed, faults):
            given.setdefault(name, []).append(found)
    return given


def _rules_of(found: Found, parsed: Sequence[Parsed], failed: Collection[str], faults: list[Fault]) -> Collection[str]:
    """The names of the rules that a filter is for; what it cannot be for goes to `faults`."""
    if found.names == (ANY,):
        fitting = [one.name for one in parsed if _fits(found, one)]
        if not fitting and not failed:
            cure = "name the log source of rules that are there"
            faults.append(found.document.fault(("logsource",), "the filter fits no rule", cure))
        return fitting
    by_name = {key: one for one in parsed for key in (str(one.rule.id or "").lower(), one.name) if key}
    names: dict[str, None] = {}
    for index, name in enumerate(found.names):
        one = by_name.get(name) or by_name.get(name.lower())
        path = (
            ("filter", "rules", index) if ("filter", "rules", index) in found.document.places else ("filter", "rules")
        )
        if one is not None and _fits(found, one):
            names[one.name] = None
        elif one is not None and isinstance(one.rule, SigmaCorrelationRule):
            members = ", ".join(str(reference.reference) for reference in one.rule.rules or ())
            cure = f"name the rules that it is made of: {members}"
            faults.append(found.document.fault(path, f"'{name}' is a correlation and cannot be filtered", cure))
        elif one is not None:
            cure = f"write the log source of {one.name}, or less of it"
            faults.append(found.document.fault(("logsource",), f"the filter's log source does not fit {name}", cure))
        elif name not in failed:
            cure = nearest(name, by_name, "name a rule of this ruleset, or any")
            faults.append(found.document.fault(path, f"no rule is named '{name}'", cure))
    return names


def _fits(found: Found, one: Parsed) -> bool:
    """Whether what the filter says of its log source is what the rule says of its own."""
    return not isinstance(one.rule, SigmaCorrelationRule) and bool(one.rule.logsource in found.source)


def _is_day(text: Any) -> bool:
    try:
        return bool(date.fromisoformat(text).isoformat() == text)
    except (TypeError, ValueError):
        return False
