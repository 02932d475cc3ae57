"""All rule files of a ruleset to compiled rules, with every fault of every file."""

from collections.abc import Mapping, Sequence

from sigma.rule import SigmaRule

from almenara.domain.errors import Fault
from almenara.domain.ids import canonical
from almenara.engine.matching.condition import lists_in
from almenara.engine.reading import correlations, documents, sigma
from almenara.engine.reading.detections import list_faults
from almenara.engine.reading.documents import Document
from almenara.engine.reading.expressions import Unsupported, expression_of
from almenara.engine.reading.extension import ExtensionReader
from almenara.engine.reading.parsed import Parsed, common
from almenara.engine.reading.places import name_of
from almenara.engine.rule import AnyRule, SingleRule
from almenara.engine.watchlist import Watchlist


def read_rules(files: Mapping[str, str], lists: Mapping[str, Watchlist], faults: list[Fault]) -> list[AnyRule]:
    """The rules of all files under `rules/`, members before the correlations over them; faults go to `faults`."""
    return _Reader(files, lists, faults).read()


class _Reader:
    def __init__(self, files: Mapping[str, str], lists: Mapping[str, Watchlist], faults: list[Fault]) -> None:
        self._files, self._lists, self._faults = files, lists, faults
        self._names: dict[str, Document] = {}
        self._unread: set[str] = set()

    def read(self) -> list[AnyRule]:
        paths = [path for path in sorted(self._files) if path.startswith("rules/")]
        parsed = [one for path in paths for one in self._documents(path)]
        singles = self._singles(parsed)
        failed = self._unread | {one.name for one in parsed if isinstance(one.rule, SigmaRule)} - set(singles)
        version = canonical([self._lists[name].version for name in sorted(self._lists)]).decode()
        return [*singles.values(), *correlations.compile_all(parsed, singles, version, self._faults, failed=failed)]

    def _documents(self, path: str) -> list[Parsed]:
        read, faults = documents.read(self._files[path], path)
        self._faults += faults
        found: list[Parsed] = []
        for document in read:
            rule, faults = sigma.parse(document)
            self._faults += faults
            if not isinstance(document.data, dict):
                continue
            self._take_name(document)
            reader = ExtensionReader(document)
            extension = reader.read()
            self._faults += reader.faults
            if rule is not None:
                found.append(Parsed(document, rule, extension))
            elif "detection" in document.data:
                self._unread |= {str(document.data[key]) for key in ("name", "id", "title") if key in document.data}
                self._faults += list_faults(document, self._lists)
        return found

    def _take_name(self, document: Document) -> None:
        # From the document, so that a rule with other faults still counts.
        name = name_of(document)
        other = self._names.setdefault(name, document)
        if name and other is not document:
            cure = f"it is that of {other.file}:{other.line('name')}; choose another"
            self._faults.append(document.fault(("name",), f"the name '{name}' is taken", cure))

    def _singles(self, parsed: Sequence[Parsed]) -> dict[str, SingleRule]:
        feeding = correlations.feeding(parsed)
        found: dict[str, SingleRule] = {}
        for one in parsed:
            if isinstance(one.rule, SigmaRule):
                alerts = one.name not in feeding and str(one.rule.id) not in feeding
                rule = self._single(one, one.rule, alerts=alerts)
                if rule is not None:
                    found[one.name] = rule
        return found

    def _single(self, one: Parsed, rule: SigmaRule, *, alerts: bool) -> SingleRule | None:
        try:
            expression = expression_of(rule.detection.parsed_condition[0].parsed)
        except Unsupported as error:
            self._faults += [one.document.fault(("detection",), str(error)), *list_faults(one.document, self._lists)]
            return None
        if not lists_in(expression) <= set(self._lists):
            self._faults += list_faults(one.document, self._lists)
            return None
        source, data = rule.logsource, one.document.data
        return SingleRule(
            **common(one),
            alerts=alerts,
            expression=expression,
            category=source.category or "",
            product=source.product or "",
            detection_hash=canonical([one.name, data.get("detection"), data.get("logsource")]).decode(),
        )
