"""All rule files of a ruleset to compiled rules, with every fault of every file."""

from collections.abc import Mapping, Sequence

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from almenara.domain.errors import Fault
from almenara.domain.ids import canonical
from almenara.engine.expression import Node
from almenara.engine.reading import correlations, documents, filters, sigma
from almenara.engine.reading.detections import DetectionReader
from almenara.engine.reading.documents import Document
from almenara.engine.reading.extension import ExtensionReader
from almenara.engine.reading.parsed import Parsed, common
from almenara.engine.reading.places import name_of
from almenara.engine.rule import AnyRule, SingleRule
from almenara.engine.watchlist import Watchlist


def read_rules(
    files: Mapping[str, str], lists: Mapping[str, Watchlist], version: str, faults: list[Fault]
) -> list[AnyRule]:
    """The rules of all files under `rules/`, members before the correlations over them; faults go to `faults`."""
    return _Reader(files, lists, faults).read(version)


class _Reader:
    def __init__(self, files: Mapping[str, str], lists: Mapping[str, Watchlist], faults: list[Fault]) -> None:
        self._files, self._lists, self._faults = files, lists, faults
        self._names: dict[tuple[bool, str], Document] = {}
        self._unread: set[str] = set()
        self._filters: list[filters.Found] = []

    def read(self, version: str) -> list[AnyRule]:
        paths = [path for path in sorted(self._files) if path.startswith("rules/")]
        parsed = [one for path in paths for one in self._documents(path)]
        held = filters.assign(self._filters, parsed, self._unread, self._faults)
        singles = self._singles(parsed, held)
        return correlations.compile_all(parsed, singles, version, self._faults, failed=self._unread)

    def _documents(self, path: str) -> list[Parsed]:
        read, faults = documents.read(self._files[path], path)
        self._faults += faults
        found: list[Parsed] = []
        for document in read:
            if filters.is_filter(document):
                self._filter(document)
            elif (one := self._rule(document)) is not None:
                found.append(one)
        return found

    def _filter(self, document: Document) -> None:
        self._take_name(document, of_filters=True)
        reader = filters.FilterReader(document, self._lists)
        found = reader.read()
        self._faults += reader.faults
        if found is not None:
            self._filters.append(found)

    def _rule(self, document: Document) -> Parsed | None:
        read = sigma.parse(document)
        self._faults += read.faults
        if not isinstance(document.data, dict):
            return None
        self._take_name(document)
        extensions = ExtensionReader(document)
        extension = extensions.read()
        self._faults += extensions.faults
        expression: Node | None = None
        if "detection" in document.data:
            detection = DetectionReader(document, "detection", self._lists)
            expression = detection.read()
            self._faults += detection.faults
        whole = read.rule is not None and (isinstance(read.rule, SigmaCorrelationRule) or expression is not None)
        if read.faults or not whole:  # even the name may be what is wrong
            self._unread |= {str(document.data[key]) for key in ("name", "id", "title") if key in document.data}
        return Parsed(document, read.rule, extension, expression, read.broken) if read.rule and whole else None

    def _take_name(self, document: Document, *, of_filters: bool = False) -> None:
        # From the document, so that a rule with other faults still counts.
        name = name_of(document)
        other = self._names.setdefault((of_filters, name), document)
        if name and other is not document:
            cure = f"it is that of {other.file}:{other.line('name')}; choose another"
            self._faults.append(document.fault(("name",), f"the name '{name}' is taken", cure))

    def _singles(self, parsed: Sequence[Parsed], held: Mapping[str, list[filters.Found]]) -> dict[str, SingleRule]:
        feeding = correlations.feeding(parsed)
        found: dict[str, SingleRule] = {}
        for one in parsed:
            if isinstance(one.rule, SigmaRule) and one.expression is not None:
                alerts = one.name not in feeding and str(one.rule.id) not in feeding
                found[one.name] = _single(one, one.expression, held.get(one.name, []), alerts=alerts)
        return found


def _single(one: Parsed, expression: Node, held: Sequence[filters.Found], *, alerts: bool) -> SingleRule:
    data = one.document.data
    one_per = one.extension.one_per
    joined = [one_per.keys, one_per.within.total_seconds()] if one_per else None
    hashed = [one.name, data["detection"], data["logsource"], joined, *([[by.hash for by in held]] if held else [])]
    return SingleRule(
        **common(one),
        alerts=alerts,
        unfiltered=expression,
        filters=tuple(by.filter for by in held if by.filter is not None),
        category=data["logsource"].get("category") or "",
        product=data["logsource"].get("product") or "",
        service=data["logsource"].get("service") or "",
        detection_hash=canonical(hashed).decode(),
    )
