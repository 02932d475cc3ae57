"""A rule's own tests: events and the alerts they must give, kept beside the rule and run by `rules test`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from almenara.domain.errors import Rejected
from almenara.engine.rule import Rule
from almenara.engine.ruleset import Ruleset
from almenara.rules.evaluate import Evaluation


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one test: the rule, the test's name, and what differs (empty = passed)."""

    rule: str
    name: str
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether what came out is what was expected."""
        return not self.differences


def run_all(ruleset: Ruleset) -> list[Trial]:
    """Every test of every rule, in order."""
    return [
        _run(rule, test, number, ruleset) for rule in ruleset.rules for number, test in enumerate(rule.tests, start=1)
    ]


def _run(rule: Rule, test: Mapping[str, Any], number: int, ruleset: Ruleset) -> Trial:
    name = str(test.get("name", f"test {number}"))
    try:
        found = [line for line in _lines(test, ruleset) if line["rule"] == rule.name]
    except (Rejected, KeyError, TypeError, AttributeError) as error:
        return Trial(rule.name, name, (f"the test cannot be run: {error}",))
    expected = test.get("expect", [])
    return Trial(rule.name, name, tuple(_differences(expected if isinstance(expected, list) else [], found)))


def _lines(test: Mapping[str, Any], ruleset: Ruleset) -> list[dict[str, Any]]:
    evaluation = Evaluation(ruleset)
    lines: list[dict[str, Any]] = []
    for number, raw in enumerate(test["events"], start=1):
        event = raw if "tick" in raw else {"specversion": "1.0", "id": str(number), "country": "XAL", **raw}
        lines += evaluation.feed(event, number)
    return lines + (evaluation.drain() if test.get("drain") else [])


def _differences(expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What differs, in words; of each expected line only the keys that it names are compared."""
    lines = []
    for place, (want, got) in enumerate(zip(expected, found, strict=False), start=1):
        for key, value in want.items():
            if got.get(key) != value:
                lines.append(f"alert {place}: {key} should be {_text(value)}, is {_text(got.get(key))}")
    lines += [f"expected and did not come: {_text(dict(want))}" for want in expected[len(found) :]]
    lines += [f"came and was not expected: {_text(dict(got))}" for got in found[len(expected) :]]
    return lines


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
