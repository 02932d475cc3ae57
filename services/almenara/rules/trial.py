"""A rule's own tests: events and the alerts they must give, kept beside the rule and run by `rules test`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from almenara.domain.errors import Rejected
from almenara.engine.rule import Rule
from almenara.engine.ruleset import Ruleset
from almenara.rules.evaluate import Evaluation

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """One line as expected beside the one that came: None where there is no such line.

    `differs` are the keys with another value; of an expected line only the keys that it names are compared.
    """

    expected: Line | None
    found: Line | None
    differs: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether what was expected came."""
        return self.expected is not None and self.found is not None and not self.differs


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one test: the rule, the test's name and its number from 1, and both sides, line beside line.

    `problem` says why it could not be run; then there are no pairs.
    """

    rule: str
    name: str
    number: int
    pairs: tuple[Pair, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether what came out is what was expected."""
        return not self.problem and all(pair.same for pair in self.pairs)

    @property
    def differences(self) -> tuple[str, ...]:
        """What differs, in words (empty = passed)."""
        if self.problem:
            return (self.problem,)
        return tuple(line for place, pair in enumerate(self.pairs, start=1) for line in _in_words(place, pair))


def run_all(ruleset: Ruleset) -> list[Trial]:
    """Every test of every rule, in order."""
    return [
        _run(rule, test, number, ruleset) for rule in ruleset.rules for number, test in enumerate(rule.tests, start=1)
    ]


def compare(expected: Sequence[Line], found: Sequence[Line]) -> tuple[Pair, ...]:
    """Both sides in order, paired so that as little as possible differs: one missing line shifts none of the others."""
    # cost[i][j]: the least that differs between the rest of `expected` from i on and the rest of `found` from j on.
    # A line that is missing or too much weighs more than any number of keys, and as much as another `what`.
    alone = 1 + max((len(line) for line in expected), default=0)
    cost = [[0] * (len(found) + 1) for _ in range(len(expected) + 1)]
    for i in range(len(expected), -1, -1):
        for j in range(len(found), -1, -1):
            if i == len(expected) or j == len(found):
                cost[i][j] = alone * (len(expected) - i + len(found) - j)
            else:
                beside = cost[i + 1][j + 1] + _weight(_differing(expected[i], found[j]), alone)
                cost[i][j] = min(beside, alone + cost[i + 1][j], alone + cost[i][j + 1])
    return tuple(_paired(expected, found, cost, alone))


def _paired(
    expected: Sequence[Line], found: Sequence[Line], cost: Sequence[Sequence[int]], alone: int
) -> Iterator[Pair]:
    i = j = 0
    while i < len(expected) and j < len(found):
        differs = _differing(expected[i], found[j])
        if cost[i][j] == cost[i + 1][j + 1] + _weight(differs, alone):
            yield Pair(expected[i], found[j], differs)
            i, j = i + 1, j + 1
        elif cost[i][j] == alone + cost[i + 1][j]:
            yield Pair(expected[i], None)
            i += 1
        else:
            yield Pair(None, found[j])
            j += 1
    yield from (Pair(line, None) for line in expected[i:])
    yield from (Pair(None, line) for line in found[j:])


def _weight(differs: Sequence[str], alone: int) -> int:
    return alone if "what" in differs else len(differs)


def _differing(expected: Line, found: Line) -> tuple[str, ...]:
    return tuple(key for key, value in expected.items() if found.get(key) != value)


def _run(rule: Rule, test: Mapping[str, Any], number: int, ruleset: Ruleset) -> Trial:
    name = str(test.get("name", f"test {number}"))
    expected = test.get("expect", [])
    if not isinstance(expected, list) or not all(isinstance(line, Mapping) for line in expected):
        return Trial(rule.name, name, number, problem="expect must be a list of maps, such as [{what: raised}]")
    try:
        found = [line for line in _lines(test, ruleset) if line["rule"] == rule.name]
    except KeyError as error:
        return Trial(rule.name, name, number, problem=f"the test cannot be run: it has no {error}")
    except (Rejected, TypeError, AttributeError) as error:
        return Trial(rule.name, name, number, problem=f"the test cannot be run: {error}")
    return Trial(rule.name, name, number, compare(expected, found))


def _lines(test: Mapping[str, Any], ruleset: Ruleset) -> list[dict[str, Any]]:
    evaluation = Evaluation(ruleset)
    lines: list[dict[str, Any]] = []
    for number, raw in enumerate(test["events"], start=1):
        event = raw if "tick" in raw else {"specversion": "1.0", "id": str(number), "country": "XAL", **raw}
        lines += evaluation.feed(event, number)
    return lines + (evaluation.drain() if test.get("drain") else [])


def _in_words(place: int, pair: Pair) -> Iterator[str]:
    if pair.expected is None:
        yield f"came and was not expected: {_text(pair.found)}"
    elif pair.found is None:
        yield f"expected and did not come: {_text(pair.expected)}"
    else:
        for key in pair.differs:
            yield f"alert {place}: {key} should be {_text(pair.expected[key])}, is {_text(pair.found.get(key))}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
