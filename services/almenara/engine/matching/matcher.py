"""All rules over one event: which of them are worth asking for this event, and the condition of each."""

from collections.abc import Mapping, Sequence

from almenara.domain.event import Event
from almenara.engine.matching.condition import Condition, compile_condition
from almenara.engine.matching.witness import Sieve
from almenara.engine.rule import SingleRule
from almenara.engine.view import View
from almenara.engine.watchlist import Watchlist

Candidate = tuple[SingleRule, Condition]


class Matcher:
    """The compiled rules over one event of a ruleset. Holds no state: one serves all partitions."""

    def __init__(self, rules: Sequence[SingleRule], lists: Mapping[str, Watchlist]) -> None:
        self.conditions = {rule.name: compile_condition(rule.expression, lists) for rule in rules}
        self._rules = tuple(rules)
        self._lists = lists
        self._by_type: dict[str | None, tuple[list[Candidate], Sieve]] = {}

    def candidates(self, event: Event, *, plain: bool = False) -> list[Candidate]:
        """The rules that may hold, in order; every rule that is not among them does not hold.

        For a plain event (any JSON) log sources are not compared.
        """
        rules, sieve = self._looking_at(None if plain else event.type)
        return [rules[number] for number in sieve.passing(View(event, {}, plain=plain))]

    def _looking_at(self, type_: str | None) -> tuple[list[Candidate], Sieve]:
        if type_ not in self._by_type:
            rules = [rule for rule in self._rules if type_ is None or rule.looks_at(type_)]
            candidates = [(rule, self.conditions[rule.name]) for rule in rules]
            self._by_type[type_] = candidates, Sieve([rule.expression for rule in rules], self._lists)
        return self._by_type[type_]
