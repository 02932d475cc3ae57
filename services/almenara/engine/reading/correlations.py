"""Correlations to compiled rules: who is a member of whom, in what order they are compiled, what all have in common.

What each kind asks for is read in `conditions`. What parses and means nothing is refused there, with the way to say it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sigma.correlations import SigmaCorrelationRule, SigmaExtendedCorrelationCondition

from almenara.domain.errors import Fault
from almenara.domain.ids import canonical
from almenara.engine.reading.conditions import ConditionReader
from almenara.engine.reading.extension import DETECTING
from almenara.engine.reading.modifiers import nearest
from almenara.engine.reading.parsed import Parsed, common
from almenara.engine.rule import MATCH, NO_TIME, AnyRule, ChangeRule, Correlation, FirstSeenRule, Rule, SingleRule


def feeding(parsed: Sequence[Parsed]) -> set[str]:
    """Names of the rules that only feed correlations: referenced, and no correlation asks them to alert as well."""
    ids = _names_by_id(parsed)
    named: set[str] = set()
    loud: set[str] = set()
    for one in parsed:
        if isinstance(one.rule, SigmaCorrelationRule):
            references = {ids.get(reference, reference) for reference in references_of(one.rule)}
            named |= references
            if one.rule.generate:
                loud |= references
    return named - loud


def references_of(rule: SigmaCorrelationRule) -> list[str]:
    """The names or ids of its members, as they are written; where `rules` is missing, those of the condition."""
    if rule.rules:
        return [str(reference.reference) for reference in rule.rules]
    if isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        return rule.condition.get_referenced_rules()
    return []


def compile_all(
    parsed: Sequence[Parsed],
    singles: Mapping[str, SingleRule],
    version: str,
    faults: list[Fault],
    *,
    failed: Collection[str] = (),
) -> list[AnyRule]:
    """All rules, members before the correlations over them; faults are added to `faults`.

    `version` is that of watchlists, lexicons and lateness; `failed` are names and ids of rules whose faults are told.
    """
    compiler = _Compiler(parsed, singles, version, failed)
    rules = compiler.compile()
    faults += compiler.faults
    return rules


class _Compiler:
    """Compiles each correlation when its members are."""

    def __init__(
        self, parsed: Sequence[Parsed], singles: Mapping[str, SingleRule], version: str, failed: Collection[str]
    ) -> None:
        self._parsed, self._singles, self._version, self._failed = parsed, singles, version, failed
        self._ids = _names_by_id(parsed)
        self._quiet = feeding(parsed)
        correlations = [one for one in parsed if isinstance(one.rule, SigmaCorrelationRule)]
        self._open: dict[str, Parsed] = {}
        for one in correlations:
            self._open.setdefault(one.name, one)
        self._namesakes = [one for one in correlations if self._open[one.name] is not one]
        self._made: dict[str, AnyRule | None] = {}
        self.faults: list[Fault] = []

    def compile(self) -> list[AnyRule]:
        for one in self._parsed:
            if one.name in self._singles:
                self._single(one, self._singles[one.name])
        for name in self._open:
            self._correlation(name, ())
        for one in self._namesakes:  # that the name is taken is told; their other faults must be, too
            self._read(one)
        return [rule for rule in self._made.values() if rule is not None]

    def _single(self, one: Parsed, rule: SingleRule) -> None:
        """A rule over one event; one that looks at the events before it is fed by its own match, hidden."""
        if one.extension.first_seen is None and one.extension.change is None:
            self._made[one.name] = rule
            return
        hidden = msgspec.structs.replace(
            rule, name=one.name + MATCH, alerts=False, say={}, say_unchecked={}, tests=(), one_per=None
        )
        self._made[hidden.name] = hidden
        self._made[one.name] = self._watching(one, hidden)

    def _watching(self, one: Parsed, match: SingleRule) -> AnyRule:
        own = one.extension
        base = {**common(one), **self._of_all(one, [match]), "grace": own.grace}
        if own.first_seen is None:
            assert own.change is not None  # noqa: S101  # one of the two is there
            return ChangeRule(**base, field=own.change.field, group_by=_once(own.change.keys))
        seen = own.first_seen
        return FirstSeenRule(
            **base, timespan=seen.within, learn=seen.learn, group_by=_once((*seen.keys, *seen.fields)), fed_from=NO_TIME
        )

    def _correlation(self, name: str, path: tuple[str, ...]) -> None:
        """Compiles a correlation after its members. `path` are those that ask for it, the first one first."""
        if name in path:
            cycle = " -> ".join((*path[path.index(name) :], name))
            one = self._open[path[-1]]
            cure = "a correlation cannot stand on itself; remove one of these references"
            self._fault(one, ("correlation", "rules"), f"a circle of correlations: {cycle}", cure)
            self._made[name] = None
            return
        if name not in self._open or name in self._made:
            return
        one = self._open[name]
        for member in self._member_names(one):
            self._correlation(member, (*path, name))
        made = self._read(one)
        self._made.setdefault(name, made)  # it may have been found to be part of a circle

    def _member_names(self, one: Parsed) -> list[str]:
        assert isinstance(one.rule, SigmaCorrelationRule)  # noqa: S101  # only correlations have members
        return [self._ids.get(reference, reference) for reference in references_of(one.rule)]

    def _read(self, one: Parsed) -> AnyRule | None:
        """A correlation whose members are compiled; None where it or one of them has faults."""
        rule, members = one.rule, self._member_names(one)
        assert isinstance(rule, SigmaCorrelationRule)  # noqa: S101  # only those are read here
        found = list(self._members(one, rule))
        reader = ConditionReader(one, rule, self._ids)
        made = reader.read(self._base(one, rule, found))
        self._aliases(one, rule, members)
        self.faults += reader.faults
        return made if len(found) == len(members) and not one.broken else None

    def _members(self, one: Parsed, rule: SigmaCorrelationRule) -> Iterator[Rule]:
        known = sorted({*self._made, *self._open, *self._failed})
        for nth, reference in enumerate(references_of(rule)):
            name = self._ids.get(reference, reference)
            found = self._made.get(name)
            if found is not None:
                yield found
            elif name not in self._failed and name not in self._open and reference not in self._failed:
                path: tuple[str | int, ...] = ("correlation", "rules")
                if isinstance(one.document.data["correlation"].get("rules"), list):
                    path = (*path, nth)
                cure = nearest(reference, known, "name a rule of this ruleset")
                self._fault(one, path, f"no rule is named '{reference}'", cure)

    def _base(self, one: Parsed, rule: SigmaCorrelationRule, members: Sequence[Rule]) -> dict[str, Any]:
        return {
            **common(one),
            **self._of_all(one, members),
            "alerts": one.name not in self._quiet,
            "timespan": timedelta(seconds=rule.timespan.seconds),
            "group_by": tuple(rule.group_by or ()),
            "aliases": {
                name: {self._ids.get(str(r.reference), str(r.reference)): path for r, path in alias.mapping.items()}
                for name, alias in (rule.aliases.aliases if rule.aliases else {}).items()
            },
            "fed_from": _reach(members),
        }

    def _of_all(self, one: Parsed, members: Sequence[Rule]) -> dict[str, Any]:
        data = one.document.data
        asked = data.get("almenara", {})
        own = {key: value for key, value in asked.items() if key in DETECTING} if isinstance(asked, Mapping) else {}
        hashes = [member.detection_hash for member in members]
        detection = [one.name, data.get("correlation"), own, hashes, self._version]
        return {
            "rules": tuple(member.name for member in members),
            "alerts": one.name not in self._quiet,
            "detection_hash": canonical(detection).decode(),
        }

    def _aliases(self, one: Parsed, rule: SigmaCorrelationRule, members: Sequence[str]) -> None:
        for name, alias in (rule.aliases.aliases if rule.aliases else {}).items():
            path = ("correlation", "aliases", name)
            if name not in (rule.group_by or ()) and "group-by" not in one.broken:
                self._fault(one, path, f"nothing is grouped by '{name}'", "add it to group-by, or remove the alias")
            for reference in alias.mapping:
                member = self._ids.get(str(reference.reference), str(reference.reference))
                if member not in members and "rules" not in one.broken:
                    cure = nearest(member, members, "name one of its rules")
                    self._fault(one, (*path, str(reference.reference)), f"'{member}' is not among its rules", cure)

    def _fault(self, one: Parsed, path: tuple[str | int, ...], what: str, cure: str) -> None:
        self.faults.append(one.document.fault(path, what, cure))


def _reach(members: Sequence[Rule]) -> timedelta | None:
    """How far back the members look; None where one needs the whole log."""
    reach = NO_TIME
    for member in members:
        if isinstance(member, Correlation):
            horizon = member.horizon
            if horizon is None:
                return None
            reach = max(reach, horizon)
    return reach


def _names_by_id(parsed: Sequence[Parsed]) -> dict[str, str]:
    return {str(one.rule.id): one.name for one in parsed if one.rule.id}


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
