"""Sigma correlations to compiled rules: thresholds and absences. What has no meaning is refused with the way to say it.

Other correlation types parse and are refused here until the engine runs them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from almenara.domain.errors import Fault
from almenara.domain.ids import canonical
from almenara.engine.reading.modifiers import nearest
from almenara.engine.reading.parsed import Parsed, common
from almenara.engine.rule import AbsenceRule, AggregateRule, Measure, SingleRule

AnyCorrelation = AggregateRule | AbsenceRule

_COUNTS: Final = (SigmaCorrelationType.EVENT_COUNT, SigmaCorrelationType.VALUE_COUNT)


def feeding(parsed: Sequence[Parsed]) -> set[str]:
    """Names of the rules that only feed correlations: referenced, and no correlation asks them to alert as well."""
    named: set[str] = set()
    loud: set[str] = set()
    for one in parsed:
        if isinstance(one.rule, SigmaCorrelationRule):
            references = {reference.reference for reference in one.rule.rules or ()}
            named |= references
            if one.rule.generate:
                loud |= references
    return named - loud


def compile_all(
    parsed: Sequence[Parsed],
    singles: Mapping[str, SingleRule],
    version: str,
    faults: list[Fault],
    *,
    failed: Collection[str] = (),
) -> list[AnyCorrelation]:
    """Every correlation, compiled; faults are added to `faults`. `version` is that of all watchlists.

    `failed` are names and ids of rules whose own faults are told already.
    """
    found: list[AnyCorrelation] = []
    ids = {str(one.rule.id): one.name for one in parsed if one.rule.id}
    known = _Known(singles, ids, frozenset(failed), version)
    for one in parsed:
        if isinstance(one.rule, SigmaCorrelationRule):
            compiler = _Compiler(one, one.rule, known)
            rule = compiler.compile()
            faults += compiler.faults
            if rule is not None:
                found.append(rule)
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What correlations may refer to: rules by name, names by id, names of rules that could not be compiled."""

    singles: Mapping[str, SingleRule]
    ids: Mapping[str, str]
    failed: frozenset[str]
    version: str


class _Compiler:
    def __init__(self, one: Parsed, rule: SigmaCorrelationRule, known: _Known) -> None:
        self._one, self._rule, self._known = one, rule, known
        self.faults: list[Fault] = []

    def compile(self) -> AnyCorrelation | None:
        members = self._members()
        base = self._base(members)
        if self._rule.type in _COUNTS:
            made: AnyCorrelation | None = self._threshold(base)
        elif self._rule.type == SigmaCorrelationType.TEMPORAL:
            made = self._absence(base)
        else:
            kind = self._rule.type.name.lower()
            self._fault("type", f"{kind} is not supported yet", "event_count, value_count or temporal")
            made = None
        return None if self.faults or len(members) < len(self._rule.rules or ()) else made

    def _members(self) -> list[str]:
        members = []
        for reference in self._rule.rules or ():
            name = self._known.ids.get(reference.reference, reference.reference)
            if name in self._known.singles:
                members.append(name)
            elif name not in self._known.failed:
                cure = nearest(reference.reference, self._known.singles, "name a rule of this ruleset")
                self._fault("rules", f"no rule is named '{reference.reference}'", cure)
        return members

    def _base(self, members: Sequence[str]) -> dict[str, Any]:
        data = self._one.document.data
        own = {key: value for key, value in data.get("almenara", {}).items() if key in ("absence", "one_per")}
        hashes = [self._known.singles[name].detection_hash for name in members]
        aliases: dict[str, dict[str, str]] = {}
        for name, alias in (self._rule.aliases.aliases if self._rule.aliases else {}).items():
            aliases[name] = {
                self._known.ids.get(reference.reference, reference.reference): field
                for reference, field in alias.mapping.items()
            }
        return {
            **common(self._one),
            "rules": tuple(members),
            "timespan": timedelta(seconds=self._rule.timespan.seconds),
            "group_by": tuple(self._rule.group_by or ()),
            "aliases": aliases,
            "detection_hash": canonical(
                [self._one.name, data["correlation"], own, hashes, self._known.version]
            ).decode(),
        }

    def _threshold(self, base: dict[str, Any]) -> AggregateRule | None:
        condition = self._rule.condition
        if self._one.extension.absence is not None:
            self._fault_at(("almenara", "absence"), "absence needs a correlation of type temporal", "change the type")
        if not isinstance(condition, SigmaCorrelationCondition):
            self._fault("condition", "a count needs a number", "write condition: {gte: 3}")
            return None
        bound = {SigmaCorrelationConditionOperator.GTE: 0, SigmaCorrelationConditionOperator.GT: 1}.get(condition.op)
        if bound is None:
            op = condition.op.name.lower()
            cure = "gte or gt; for 'nothing came' write an absence (type temporal, `a and not b`)"
            self._fault("condition", f"a count with {op} cannot be told from one that still grows", cure)
            return None
        count = int(condition.count) + bound
        if count < 1:
            self._fault("condition", "a count of 0 holds always", "write an absence (type temporal, `a and not b`)")
        distinct = condition.fieldref
        if self._rule.type == SigmaCorrelationType.VALUE_COUNT and not isinstance(distinct, str):
            self._fault("condition", "value_count needs one field", "write condition: {gte: 3, field: speaker.id}")
            return None
        measure = Measure.VALUES if self._rule.type == SigmaCorrelationType.VALUE_COUNT else Measure.EVENTS
        fields = (distinct,) if isinstance(distinct, str) else ()
        return AggregateRule(**base, measure=measure, bound=count, fields=fields)

    def _absence(self, base: dict[str, Any]) -> AbsenceRule | None:
        pair = _a_and_not_b(self._rule.condition)
        if pair is None:
            cure = "write condition: a and not b, with almenara.absence.anchor: a"
            self._fault("condition", "only `a and not b` has a meaning here", cure)
            return None
        anchor, entry = pair
        absence = self._one.extension.absence
        if absence is None:
            self._fault("condition", "an absence needs its deadline", "add almenara: {absence: {anchor: ...}}")
            return None
        if absence.anchor and absence.anchor != anchor:
            cure = f"anchor: {anchor}"
            what = f"'{absence.anchor}' is not the rule that must be there"
            self._fault_at(("almenara", "absence", "anchor"), what, cure)
        for name in (anchor, entry):
            if all(name != reference.reference for reference in self._rule.rules or ()):
                self._fault("condition", f"'{name}' is not among its rules", "name it under rules:")
        return AbsenceRule(
            **base,
            anchor=anchor,
            entry=entry,
            look_back=absence.look_back,
            publish_lag=absence.publish_lag,
            grace=absence.grace,
            on_late=absence.on_late,
            coverage=absence.coverage,
        )

    def _fault(self, key: str, what: str, cure: str) -> None:
        self._fault_at(("correlation", key), what, cure)

    def _fault_at(self, path: tuple[str | int, ...], what: str, cure: str) -> None:
        self.faults.append(self._one.document.fault(path, what, cure))


def _a_and_not_b(condition: Any) -> tuple[str, str] | None:
    """The names of `a and not b` (in either order), or None for any other condition."""
    if not isinstance(condition, SigmaExtendedCorrelationCondition):
        return None
    parsed = condition.parsed
    if not isinstance(parsed, CorrelationConditionAND) or len(parsed.args) != 2:
        return None
    plain = [arg.reference for arg in parsed.args if isinstance(arg, SigmaRuleReference)]
    negated = [
        inner.reference
        for arg in parsed.args
        if isinstance(arg, CorrelationConditionNOT)
        for inner in arg.args
        if isinstance(inner, SigmaRuleReference)
    ]
    return (plain[0], negated[0]) if len(plain) == len(negated) == 1 else None
