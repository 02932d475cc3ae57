"""The parts of a correlation, each read by itself: a fault in one hides none of the others.

Knows their grammar and what they need of each other; what they mean is read in `conditions` and `correlations`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sigma.exceptions as sigma_errors
from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationTimespan,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
)

from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Document, Path
from almenara.engine.reading.modifiers import nearest

PARTS: Final = ("type", "rules", "generate", "group-by", "timespan", "aliases", "condition")

_ORDERS: Final = (SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED)
_OPS: Final = tuple(op.name.lower() for op in SigmaCorrelationConditionOperator)
_IN_CONDITION: Final = (*_OPS, "field", "percentile")

_TIMESPAN: Final = "a number and one unit (s, m, h, d, w), such as 36h"
_CONDITION: Final = "{gte: 3} for a count, `a and not b` for an absence"
_ONE_BOUND: Final = "ask for one bound (gte, gt, lte, lt, eq or neq); for the other one write a rule of its own"
_EXAMPLE: Final = "for example {type: event_count, rules: [a], group-by: [k], timespan: 36h, condition: {gte: 3}}"


class PartsReader:
    """Reads the `correlation:` map of one document. `broken` names the parts that have faults, or are missing."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.faults: list[Fault] = []
        self.broken: set[str] = set()

    def read(self) -> dict[str, Any]:
        """The map with something sound in the place of what is broken, so that the rest of it can be read."""
        raw = self._document.data["correlation"]
        if not isinstance(raw, Mapping):
            self._fault((), "a correlation must be a map", _EXAMPLE)
            self.broken.update(PARTS)
            raw = {}
        kind = self._part("type", raw, self._type)
        condition = self._condition(raw, kind)
        names = self._rules(raw, condition)
        self._agree(condition, names)
        found = {
            "type": kind.name.lower() if kind else "temporal",
            "timespan": self._part("timespan", raw, self._timespan, "there is no timespan", _TIMESPAN) or "1d",
            "generate": self._part("generate", raw, self._generate) or False,
            "group-by": self._part("group-by", raw, self._group_by) or [],
            "aliases": self._part("aliases", raw, self._aliases) or {},
        }
        if "condition" in self.broken:
            condition = {"gte": 1, "field": "any"}
        whole = {} if condition is None else {"condition": condition}
        return {**found, **whole, **({} if names is None and isinstance(condition, str) else {"rules": names or []})}

    def _part(
        self, key: str, raw: Mapping[str, Any], read: Callable[[Any], Any], missing: str = "", cure: str = ""
    ) -> Any:
        """What `read` makes of a part; None, and told, where it finds faults or what must be there is missing."""
        before = len(self.faults)
        value = raw.get(key)
        found = None
        if value is not None or key == "type":
            found = read(value)
        elif missing and key not in self.broken:
            self._fault((key,), missing, f"add {key}: {cure}")
        if len(self.faults) > before:
            self.broken.add(key)
        return found

    def _type(self, value: Any) -> SigmaCorrelationType | None:
        known = [kind.name.lower() for kind in SigmaCorrelationType]
        if isinstance(value, str) and value.lower() in known:
            return SigmaCorrelationType[value.upper()]
        if "type" not in self.broken:
            cure = nearest(str(value), known, f"one of {', '.join(known)}")
            what = "there is no type" if value is None else f"'{value}' is no type of correlation"
            self._fault(("type",), what, cure)
        return None

    def _timespan(self, value: Any) -> str | None:
        try:
            timedelta(seconds=SigmaCorrelationTimespan(value).seconds)
        except sigma_errors.SigmaTimespanError as error:
            self._fault(("timespan",), str(error).rstrip("."), _TIMESPAN)
            return None
        except OverflowError:
            self._fault(("timespan",), f"Timespan '{value}' is longer than can be counted", _TIMESPAN)
            return None
        return str(value)

    def _generate(self, value: Any) -> bool:
        if not isinstance(value, bool):
            self._fault(("generate",), f"'{value}' is neither true nor false", "write generate: true, or leave it out")
        return value is True

    def _group_by(self, value: Any) -> list[str]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list):
            self._fault(("group-by",), "group-by is neither a name nor a list of names", "write [one, two]")
            return []
        for nth, name in enumerate(names):
            if name is None or isinstance(name, list | dict):
                self._fault(("group-by", nth), f"'{name}' is no name of a field", "write [one, two]")
        return [str(name) for name in names]

    def _aliases(self, value: Any) -> dict[str, Any]:
        cure = "for example {official: {meeting: official.id, entry: host.id}}"
        if not isinstance(value, Mapping):
            self._fault(("aliases",), "aliases must be a map", cure)
            return {}
        for name, fields in value.items():
            if not isinstance(fields, Mapping):
                self._fault(("aliases", name), f"'{name}' must map rules to their fields", cure)
                continue
            for rule, field in fields.items():
                if not isinstance(field, str) or not field:
                    self._fault(("aliases", name, rule), f"'{field}' is no name of a field", cure)
        return {name: fields for name, fields in value.items() if isinstance(fields, Mapping)}

    def _condition(self, raw: Mapping[str, Any], kind: SigmaCorrelationType | None) -> Any:
        """The condition, a map or a text; None where there is none, which an order or a temporal can do without."""
        needed = kind is not None and kind not in _ORDERS
        missing = "there is no condition" if needed else ""

        def read(value: Any) -> Any:
            if isinstance(value, Mapping):
                return self._numbers(value, kind)
            if not isinstance(value, str):
                self._fault(("condition",), "a condition must be a map or a text", _CONDITION)
            elif needed and kind is not None:
                self._fault(("condition",), f"{kind.name.lower()} needs a number", "write condition: {gte: 3}")
            else:
                return self._words(value)
            return None

        return self._part("condition", raw, read, missing, _CONDITION)

    def _words(self, value: str) -> str:
        try:
            SigmaExtendedCorrelationCondition(value)
        except (sigma_errors.SigmaError, RecursionError) as error:
            why = str(error).rpartition("expression: ")[2].rstrip(".")
            self._fault(("condition",), f"the condition cannot be read: {why}", _CONDITION)
        return value

    def _numbers(self, value: Mapping[str, Any], kind: SigmaCorrelationType | None) -> dict[str, Any]:
        bounds = [op for op in _OPS if op in value]
        if len(bounds) != 1:
            self._fault(("condition",), "a condition must have exactly one condition item", _ONE_BOUND)
        for key in value:
            if key not in _IN_CONDITION:
                cure = nearest(key, _IN_CONDITION, f"one of {', '.join(_IN_CONDITION)}")
                self._fault(("condition", key), f"unknown key '{key}'", cure)
        for op in bounds:
            try:
                SigmaCorrelationCondition.from_dict({op: value[op]})
            except (sigma_errors.SigmaError, OverflowError):
                self._fault(("condition", op), f"'{value[op]}' is no number", "write a number, such as {gte: 3}")
        percentile = value.get("percentile", 50)
        if isinstance(percentile, bool) or not isinstance(percentile, int) or not 1 <= percentile <= 99:
            what = f"'{percentile}' is no percentile"
            self._fault(("condition", "percentile"), what, "write a whole number from 1 to 99")
        if kind is not None and kind.name.startswith("VALUE_") and value.get("field") is None:
            what = f"{kind.name.lower()} needs a field"
            self._fault(("condition",), what, "write condition: {gte: 3, field: speaker.id}")
        return dict(value)

    def _rules(self, raw: Mapping[str, Any], condition: Any) -> list[str] | None:
        """The names of the members; None where they are left to the condition."""
        written, cure = raw.get("rules"), "name the rules that it is over: rules: [one, two]"
        names = [written] if isinstance(written, str) else written
        if isinstance(names, list) and (names or isinstance(condition, str)):
            return [str(name) for name in names] or None
        if names is not None and not isinstance(names, list):
            self._fault(("rules",), "rules is neither a name nor a list of names", cure)
        elif "rules" not in self.broken and not isinstance(condition, str) and not self._unreadable_words(raw):
            self._fault(("rules",), "it names no rules", cure)
        else:
            return None
        self.broken.add("rules")
        return None

    def _unreadable_words(self, raw: Mapping[str, Any]) -> bool:
        """Whether the rules may stand in a condition that cannot be read."""
        return "condition" in self.broken and isinstance(raw.get("condition"), str)

    def _agree(self, condition: Any, names: Sequence[str] | None) -> None:
        """A condition in words speaks of all the rules that are named, and of no others."""
        if not isinstance(condition, str) or not names or "condition" in self.broken:
            return
        spoken = SigmaExtendedCorrelationCondition(condition).get_referenced_rules()
        for name in spoken:
            if name not in names:
                cure = nearest(name, names, "add it to them, or take it out of the condition")
                self._fault(("condition",), f"'{name}' is not among its rules", cure)
        for name in names:
            if name not in spoken:
                cure = f"take it out of the rules, or say what it is for: {_CONDITION}"
                self._fault(("condition",), f"'{name}' is among its rules and not referenced in the condition", cure)
        if set(spoken) != set(names):
            self.broken.add("condition")

    def _fault(self, path: Path, what: str, cure: str) -> None:
        self.faults.append(self._document.fault(("correlation", *path), what, cure))
