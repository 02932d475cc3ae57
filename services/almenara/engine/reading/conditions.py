"""What a correlation asks for: its type and condition to one of our kinds of rule, or faults at their places."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from almenara.domain.errors import Fault
from almenara.engine.reading.modifiers import nearest
from almenara.engine.reading.parsed import Parsed
from almenara.engine.rule import (
    AbsenceRule,
    AggregateRule,
    AtLeast,
    Measure,
    Missing,
    OrderedRule,
    Presence,
    Present,
    TemporalRule,
)

AnyCorrelation = AggregateRule | TemporalRule | OrderedRule | AbsenceRule
Tree = CorrelationConditionItem | SigmaRuleReference

_MEASURES: Final[Mapping[SigmaCorrelationType, Measure]] = {
    SigmaCorrelationType.EVENT_COUNT: Measure.EVENTS,
    SigmaCorrelationType.VALUE_COUNT: Measure.VALUES,
    SigmaCorrelationType.VALUE_SUM: Measure.SUM,
    SigmaCorrelationType.VALUE_AVG: Measure.AVERAGE,
    SigmaCorrelationType.VALUE_PERCENTILE: Measure.PERCENTILE,
    SigmaCorrelationType.VALUE_MEDIAN: Measure.MEDIAN,
}
_COUNTS: Final = (Measure.EVENTS, Measure.VALUES)
_NOTHING_CAME: Final = "for 'nothing came' write an absence (type temporal, `a and not b`)"
_ABSENCE: Final = "write condition: a and not b, with almenara.absence.anchor: a"


class ConditionReader:
    """Reads one correlation. `ids` give the names of rules that may be referred to by id."""

    def __init__(self, one: Parsed, rule: SigmaCorrelationRule, ids: Mapping[str, str]) -> None:
        self._one, self._rule, self._ids = one, rule, ids
        self.faults: list[Fault] = []

    def read(self, base: dict[str, Any]) -> AnyCorrelation | None:
        """The compiled rule, from the fields that all have; None when there are faults."""
        measure, broken = _MEASURES.get(self._rule.type), self._one.broken
        self._beside(measure)
        made: AnyCorrelation | None
        if broken & {"type", "condition"}:  # neither says anything without the other
            made = None
        elif measure is not None:
            made = self._aggregate(base, measure)
        elif self._rule.type == SigmaCorrelationType.TEMPORAL_ORDERED:
            made = self._ordered(base)
        else:
            made = self._temporal(base)
        return None if self.faults or broken else made

    def _beside(self, measure: Measure | None) -> None:
        """What of our own map goes with the type, whatever the condition is."""
        own, broken = self._one.extension, self._one.broken
        for key in ("first_seen", "change"):
            if getattr(own, key) is not None:
                cure = "write it into the rule over one event itself"
                self._fault_at(("almenara", key), f"{key} looks at single events", cure)
        if own.absence is not None and own.grace:
            cure = "write almenara: {absence: {grace: ...}}"
            self._fault_at(("almenara", "grace"), "the grace of an absence stands in its own map", cure)
        if own.absence is not None and "condition" in broken and "rules" not in broken:
            self._known_anchor(own.absence.anchor)
        if own.baseline is not None and "timespan" not in broken:
            timespan = self._rule.timespan.seconds
            if 0 < own.baseline.of.total_seconds() < timespan:
                what = "the history is shorter than the timespan"
                self._fault_at(("almenara", "baseline", "of"), what, "write a longer one, such as 90d")
        if "type" in broken:
            return
        if own.baseline is not None and measure not in _COUNTS:
            what = "a baseline needs event_count or value_count"
            self._fault_at(("almenara", "baseline"), what, "change the type, or remove it")
        if own.absence is not None and self._rule.type != SigmaCorrelationType.TEMPORAL:
            self._fault_at(("almenara", "absence"), "absence needs a correlation of type temporal", "change the type")

    def _known_anchor(self, anchor: str) -> None:
        """Where the condition cannot be read: that the anchor is one of the rules at all."""
        names = [*self._names(), *(str(reference.reference) for reference in self._rule.rules or ())]
        if anchor and names and anchor not in names:
            cure = nearest(anchor, names, "name one of its rules")
            self._fault_at(("almenara", "absence", "anchor"), f"'{anchor}' is not among its rules", cure)

    def _aggregate(self, base: dict[str, Any], measure: Measure) -> AggregateRule | None:
        condition, kind = self._rule.condition, self._rule.type.name.lower()
        assert isinstance(condition, SigmaCorrelationCondition)  # noqa: S101  # words are refused for it
        op, raw = condition.op.name.lower(), condition.fieldref
        fields: tuple[Any, ...] = tuple(raw) if isinstance(raw, list) else () if raw is None else (raw,)
        if any(not isinstance(name, str) or not name for name in fields):
            self._fault_at(("correlation", "condition", "field"), "a field is named by a text", "field: amount.usd")
        elif measure == Measure.EVENTS and fields:
            what = "event_count counts events, not values"
            self._fault_at(("correlation", "condition", "field"), what, "write type: value_count, or remove the field")
        elif measure not in _COUNTS and len(fields) > 1:
            self._fault_at(("correlation", "condition", "field"), f"{kind} takes one field", "write a rule for each")
        if measure in _COUNTS:
            self._countable(op, condition.count)
        return AggregateRule(
            **base,
            measure=measure,
            op=op,
            bound=condition.count,
            fields=fields,
            percentile=self._percentile(condition, measure),
            baseline=self._one.extension.baseline,
            grace=self._one.extension.grace,
        )

    def _percentile(self, condition: SigmaCorrelationCondition, measure: Measure) -> int:
        path = ("correlation", "condition", "percentile")
        if measure != Measure.PERCENTILE:
            if condition.percentile is not None:
                self._fault_at(path, "only value_percentile has a percentile", "change the type, or remove it")
            return 50
        raw = self._one.document.data["correlation"]["condition"].get("percentile")
        if raw is None:
            self._fault(
                "condition", "value_percentile needs its percentile", "write {gte: 9, field: x, percentile: 95}"
            )
        return condition.percentile or 50

    def _countable(self, op: str, bound: int | float) -> None:
        """A count is looked at when something came: it is never below 1."""
        whole = float(bound).is_integer()
        below = bound <= 1 if op == "lt" else bound < 1
        if (op in ("eq", "lt", "lte") and below) or (op == "eq" and not whole):
            cure = _NOTHING_CAME if whole else "write a whole number"
            self._fault("condition", f"a count is never {_words(op, bound)} when something came", cure)
        elif (op == "gte" and bound < 1) or (op == "gt" and bound < 0) or (op == "neq" and (bound < 1 or not whole)):
            what = f"a count that is {_words(op, bound)} holds always"
            self._fault("condition", what, f"write gte: 1 for every event; {_NOTHING_CAME}")

    def _temporal(self, base: dict[str, Any]) -> TemporalRule | AbsenceRule | None:
        condition, grace = self._rule.condition, self._one.extension.grace
        if isinstance(condition, SigmaCorrelationCondition):
            if self._one.extension.absence is not None:
                self._fault("condition", "only `a and not b` has a meaning here", _ABSENCE)
                return None
            least = len(base["rules"]) if "rules" in self._one.broken else self._least(condition, len(self._names()))
            parts = tuple(Present(name) for name in base["rules"])
            return TemporalRule(**base, condition=AtLeast(least, parts), grace=grace)
        if self._one.extension.absence is not None:
            return self._absence(base)
        tree = condition.parsed
        pair = _a_and_not_b(tree)
        if pair is not None:
            cure = f"add almenara: {{absence: {{anchor: {pair[0]}}}}}"
            self._fault("condition", "an absence needs its deadline", cure)
            return None
        missing = [part for part in _conjuncts(tree) if _only_missing(part)]
        if missing or _holds(tree, frozenset()):
            whole = len(missing) == len(list(_conjuncts(tree)))
            cure = _ABSENCE if whole else "write a temporal of what must be there, then an absence over it"
            what = "what did not happen needs a deadline" if missing else "it holds where nothing happened at all"
            self._fault("condition", what, cure)
            return None
        return TemporalRule(**base, condition=self._presence(tree), grace=grace)

    def _least(self, condition: SigmaCorrelationCondition, count: int) -> int:
        """How many different members must be there; every one where nothing is said."""
        op, bound = condition.op.name.lower(), condition.count
        least = int(bound) + (op == "gt")
        if op not in ("gte", "gt"):
            cure = "write gte, or a condition in words: a and (b or c)"
            self._fault("condition", f"with {op} a window without the rest would do", cure)
        elif not float(bound).is_integer() or not 1 <= least <= count:
            self._fault("condition", f"{_words(op, bound)} of {count} rules", f"write gte: 1 to gte: {count}")
        return least

    def _ordered(self, base: dict[str, Any]) -> OrderedRule | None:
        condition, grace = self._rule.condition, self._one.extension.grace
        if isinstance(condition, SigmaCorrelationCondition):
            names = self._names()
            if "rules" in self._one.broken:
                return None
            if (condition.op.name.lower(), condition.count) != ("gte", len(names)):
                self._fault("condition", "in order all of its rules are needed", "remove the condition")
            if len(names) < 2:
                self._fault("rules", "an order needs two rules", "name another rule, or write type: event_count")
            return OrderedRule(**base, steps=tuple((name,) for name in names), grace=grace)
        steps: list[tuple[str, ...]] = []
        for part in _conjuncts(condition.parsed):
            names = list(_disjuncts(part))
            if not names:
                cure = "write the steps in order, joined by `and`: a and (b or c) and d"
                self._fault("condition", "such a condition has no order", cure)
                return None
            steps.append(tuple(dict.fromkeys(self._ids.get(name, name) for name in names)))
        if len(steps) < 2:
            self._fault("condition", "an order needs two steps", "join them by `and`, or write type: temporal")
        return OrderedRule(**base, steps=tuple(steps), grace=grace)

    def _absence(self, base: dict[str, Any]) -> AbsenceRule | None:
        condition, absence = self._rule.condition, self._one.extension.absence
        pair = _a_and_not_b(condition.parsed) if isinstance(condition, SigmaExtendedCorrelationCondition) else None
        if pair is None or absence is None:
            cure = f"{_ABSENCE}; more than one rule is joined by a temporal of its own"
            self._fault("condition", "only `a and not b` has a meaning here", cure)
            return None
        anchor, entry = (self._ids.get(name, name) for name in pair)
        if absence.anchor and absence.anchor not in (anchor, pair[0]):
            what = f"'{absence.anchor}' is not the rule that must be there"
            self._fault_at(("almenara", "absence", "anchor"), what, f"anchor: {anchor}")
        return AbsenceRule(
            **base,
            anchor=anchor,
            entry=entry,
            look_back=absence.look_back,
            publish_lag=absence.publish_lag,
            grace=absence.grace,
            remember=absence.remember,
            on_late=absence.on_late,
            coverage=absence.coverage,
        )

    def _presence(self, tree: Tree) -> Presence:
        if isinstance(tree, SigmaRuleReference):
            return Present(self._ids.get(tree.reference, tree.reference))
        parts = tuple(self._presence(part) for part in tree.args)
        if isinstance(tree, CorrelationConditionNOT):
            return Missing(parts[0])
        return AtLeast(len(parts) if isinstance(tree, CorrelationConditionAND) else 1, parts)

    def _names(self) -> list[str]:
        written = [str(reference.reference) for reference in self._rule.rules or ()]
        return [self._ids.get(name, name) for name in written]

    def _fault(self, key: str, what: str, cure: str) -> None:
        self._fault_at(("correlation", key), what, cure)

    def _fault_at(self, path: tuple[str | int, ...], what: str, cure: str) -> None:
        self.faults.append(self._one.document.fault(path, what, cure))


def _words(op: str, bound: int | float) -> str:
    said = {"gte": "at least", "gt": "more than", "lte": "at most", "lt": "less than", "eq": "exactly", "neq": "not"}
    return f"{said[op]} {bound:g}"


def _conjuncts(tree: Tree) -> Iterator[Tree]:
    """The parts that must all hold, through nested `and`."""
    if isinstance(tree, CorrelationConditionAND):
        for part in tree.args:
            yield from _conjuncts(part)
    else:
        yield tree


def _disjuncts(tree: Tree) -> Sequence[str]:
    """The names of `a or b or c`, or of one rule; empty for anything else."""
    if isinstance(tree, SigmaRuleReference):
        return [tree.reference]
    if not isinstance(tree, CorrelationConditionOR):
        return []
    parts = [_disjuncts(part) for part in tree.args]
    return [name for part in parts for name in part] if all(parts) else []


def _holds(tree: Tree, there: frozenset[str]) -> bool:
    if isinstance(tree, SigmaRuleReference):
        return tree.reference in there
    parts = [_holds(part, there) for part in tree.args]
    if isinstance(tree, CorrelationConditionNOT):
        return not parts[0]
    return all(parts) if isinstance(tree, CorrelationConditionAND) else any(parts)


def _only_missing(tree: Tree) -> bool:
    """Whether a part that must hold asks only for what is not there."""
    return _holds(tree, frozenset()) and not isinstance(tree, CorrelationConditionOR)


def _a_and_not_b(tree: Tree) -> tuple[str, str] | None:
    """The names of `a and not b` (in either order), or None for any other condition."""
    if not isinstance(tree, CorrelationConditionAND) or len(tree.args) != 2:
        return None
    plain = [arg.reference for arg in tree.args if isinstance(arg, SigmaRuleReference)]
    negated = [
        inner.reference
        for arg in tree.args
        if isinstance(arg, CorrelationConditionNOT)
        for inner in arg.args
        if isinstance(inner, SigmaRuleReference)
    ]
    return (plain[0], negated[0]) if len(plain) == len(negated) == 1 else None
