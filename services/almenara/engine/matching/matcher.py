"""All rules over one event: which of them are worth asking for this event, and the condition of each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from almenara.domain.event import Event
from almenara.engine.matching.condition import Condition, compile_condition
from almenara.engine.matching.sieve import Bits, Sieve, numbers_in
from almenara.engine.rule import SingleRule
from almenara.engine.watchlist import Watchlist

Candidate = tuple[SingleRule, Condition]

MAX_TYPES: Final = 200
MAX_SETS: Final = 10_000


class Matcher:
    """The compiled rules over one event of a ruleset. Holds no state: one serves all partitions."""

    def __init__(self, rules: Sequence[SingleRule], lists: Mapping[str, Watchlist]) -> None:
        self.conditions = {rule.name: compile_condition(rule.expression, lists) for rule in rules}
        self._rules = tuple(rules)
        self._lists = lists
        self._by_type: dict[str | None, _OfType] = {}

    def candidates(self, event: Event, *, plain: bool = False) -> list[Candidate]:
        """The rules that may hold, in order; every rule that is not among them does not hold.

        For a plain event (any JSON) log sources are not compared.
        """
        name = None if plain else event.type
        rules = self._by_type.get(name) or self._looking_at(name)
        bits = rules.passing(event.data)
        if not bits:
            return []
        return rules.known.get(bits) or rules.remember(bits)

    def _looking_at(self, type_: str | None) -> "_OfType":
        rules = [rule for rule in self._rules if type_ is None or rule.looks_at(type_)]
        candidates = [(rule, self.conditions[rule.name]) for rule in rules]
        if len(self._by_type) > MAX_TYPES:  # types come from outside
            self._by_type.clear()
        sieve = Sieve([rule.expression for rule in rules], self._lists)
        self._by_type[type_] = made = _OfType(candidates, sieve.passing)
        return made


class _OfType:
    """The rules that look at one event type. The same few sets pass again and again, so they are kept."""

    __slots__ = ("_candidates", "known", "passing")

    def __init__(self, candidates: Sequence[Candidate], passing: Callable[[Mapping[str, Any]], Bits]) -> None:
        self._candidates = candidates
        self.passing = passing
        self.known: dict[Bits, list[Candidate]] = {}

    def remember(self, bits: Bits) -> list[Candidate]:
        """The candidates of these bits."""
        if len(self.known) >= MAX_SETS:
            self.known.clear()
        self.known[bits] = found = [self._candidates[number] for number in numbers_in(bits)]
        return found
