"""All rules over one event: which of them are worth asking for this event, and the condition of each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from almenara.domain.event import Event
from almenara.engine.enrich import Enricher
from almenara.engine.matching.condition import Condition
from almenara.engine.matching.quick import quick
from almenara.engine.matching.sieve import Bits, Sieve, numbers_in
from almenara.engine.rule import SingleRule
from almenara.engine.watchlist import Watchlist

Candidate = tuple[SingleRule, Condition]

MAX_TYPES: Final = 200
MAX_SETS: Final = 10_000


class Matcher:
    """The compiled rules over one event of a ruleset. Holds no state: one serves all partitions."""

    def __init__(self, rules: Sequence[SingleRule], lists: Mapping[str, Watchlist]) -> None:
        self.conditions: Final = _Conditions(rules, lists)
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

    def asked(
        self, event: Event, enrich: Callable[[Event], Event], *, plain: bool = False
    ) -> tuple[Event, list[Candidate]]:
        """The candidates of the enriched event, and that event.

        Where no witness lies in what the enricher writes, an event without candidates is given back as it came: that
        is most of them, and to enrich costs more than to ask.
        """
        name = None if plain else event.type
        rules = self._by_type.get(name) or self._looking_at(name)
        if rules.asks_enriched:
            event = enrich(event)
        bits = rules.passing(event.data)
        if not bits:
            return event, []
        if not rules.asks_enriched:
            event = enrich(event)
        return event, rules.known.get(bits) or rules.remember(bits)

    def _looking_at(self, type_: str | None) -> "_OfType":
        rules = [rule for rule in self._rules if type_ is None or rule.looks_at(type_)]
        if len(self._by_type) > MAX_TYPES:  # types come from outside
            self._by_type.clear()
        sieve = Sieve([rule.expression for rule in rules], self._lists)
        self._by_type[type_] = made = _OfType(rules, self.conditions, sieve)
        return made


class _OfType:
    """The rules that look at one event type. The same few sets pass again and again, so they are kept."""

    __slots__ = ("_conditions", "_rules", "asks_enriched", "known", "passing")

    def __init__(self, rules: Sequence[SingleRule], conditions: "_Conditions", sieve: Sieve) -> None:
        self._rules = rules
        self._conditions = conditions
        self.passing = sieve.passing
        self.asks_enriched = sieve.looks_anywhere or any(map(Enricher.writes, sieve.paths))
        self.known: dict[Bits, list[Candidate]] = {}

    def remember(self, bits: Bits) -> list[Candidate]:
        """The candidates of these bits."""
        if len(self.known) >= MAX_SETS:
            self.known.clear()
        self.known[bits] = found = [
            (rule, self._conditions[rule.name]) for rule in (self._rules[number] for number in numbers_in(bits))
        ]
        return found


class _Conditions(dict[str, Condition]):
    """The condition of each rule by name, compiled when it is first asked for: most of a large set never is."""

    def __init__(self, rules: Sequence[SingleRule], lists: Mapping[str, Watchlist]) -> None:
        super().__init__()
        self._expressions = {rule.name: rule.expression for rule in rules}
        self._lists = lists

    def __missing__(self, name: str) -> Condition:
        expression = self._expressions[name]
        self[name] = made = Condition(expression, self._lists, quick(expression, self._lists))
        return made
