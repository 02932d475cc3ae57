"""What a rule's own test says when it fails: what was expected beside what came."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.engine.ruleset import Content, build
from almenara.rules.trial import Trial, compare, run_all

RULE = """title: Many
name: many
correlation: {type: event_count, rules: [one], group-by: [k], timespan: 2d, condition: {gte: 2}}
almenara:
  tests:
    - name: two of one key
      events:
        - {type: office.changed, time: '2030-01-01T12:00:00Z', data: {k: a}}
        - {type: office.changed, time: '2030-01-01T13:00:00Z', data: {k: a}}
        - {type: office.changed, time: '2030-01-01T14:00:00Z', data: {k: a}}
      expect: %s
---
title: One
name: one
logsource: {product: almenara, category: office.changed}
detection: {s: {'k|exists': true}, condition: s}
"""


def trial(expect: str, text: str = RULE) -> Trial:
    (found,) = run_all(build(Content({"rules/r.yml": text % expect})))
    return found


def test_what_was_expected_came() -> None:
    found = trial("[{what: raised, events: ['1', '2']}, {what: updated}]")
    assert found.passed
    assert found.differences == ()
    assert [pair.same for pair in found.pairs] == [True, True]


def test_a_missing_line_shifts_none_of_the_others() -> None:
    found = trial("[{what: raised}, {what: resolved}, {what: updated, events: ['1', '2', '3']}]")
    assert [(pair.same, pair.found is None) for pair in found.pairs] == [(True, False), (False, True), (True, False)]
    assert found.differences == ('expected and did not come: {"what": "resolved"}',)


def test_an_unexpected_line_is_shown_with_its_fields() -> None:
    found = trial("[{what: updated}]")
    assert [pair.expected for pair in found.pairs] == [None, {"what": "updated"}]
    assert not found.passed
    shown = found.pairs[0].found
    assert shown is not None
    assert (shown["what"], shown["key"], shown["events"]) == ("raised", {"k": "a"}, ["1", "2"])


def test_the_keys_that_differ_are_named() -> None:
    found = trial("[{what: raised, key: {k: b}, events: ['1', '2'], at: '2030-01-01T12:30:00Z'}, {what: updated}]")
    assert [pair.differs for pair in found.pairs] == [("key", "at"), ()]
    assert found.differences == (
        'alert 1: key should be {"k": "b"}, is {"k": "a"}',
        'alert 1: at should be "2030-01-01T12:30:00Z", is "2030-01-01T13:00:00Z"',
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("expect: %s", "expect: raised", "must be a list of maps"),
        ("expect: %s", "expect: [raised]", "must be a list of maps"),
        ("time: '2030-01-01T12:00:00Z', ", "", "needs time"),
        ("      events:\n", "      occurrences:\n", "it has no 'events'"),
    ],
)
def test_a_test_that_cannot_be_run_fails_with_the_reason(old: str, new: str, said: str) -> None:
    text = RULE.replace(old, new)
    found = trial("[]", text if "%s" in text else text + "# %s")
    assert not found.passed
    assert said in found.problem
    assert found.differences == (found.problem,)


LINES = st.lists(st.fixed_dictionaries({"what": st.sampled_from("abc"), "n": st.integers(0, 2)}), max_size=5)


@given(LINES, LINES)
def test_both_sides_are_whole_and_in_order(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    pairs = compare(expected, found)
    assert [pair.expected for pair in pairs if pair.expected is not None] == expected
    assert [pair.found for pair in pairs if pair.found is not None] == found
    assert all(pair.same for pair in pairs) == (expected == found)
