"""A fault in one part of a document hides none of the others: all are told at once, each at its place with its cure."""

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigma_rules import faults_of

BASE = """title: A
name: a
logsource: {product: almenara}
detection: {s: {f: 1}, condition: s}
---
title: B
name: b
logsource: {product: almenara}
detection: {s: {f: 2}, condition: s}
---
"""
HEAD = BASE.count("\n")

SOUND = {
    "title": "C",
    "name": "c",
    "level": "low",
    "type": "event_count",
    "rules": "[a, b]",
    "generate": "false",
    "group-by": "[k]",
    "timespan": "2d",
    "aliases": "{k: {a: x}}",
    "condition": "{gte: 3}",
    "almenara": "{owner: desk}",
}
BROKEN = {
    "level": ("severe", "'severe'", "critical"),
    "type": ("event_cuont", "'event_cuont'", "did you mean 'event_count'?"),
    "rules": ("[a, bb]", "no rule is named 'bb'", "did you mean 'b'?"),
    "generate": ("perhaps", "'perhaps' is neither true nor false", "generate: true"),
    "group-by": ("{k: 1}", "neither a name nor a list of names", "write [one, two]"),
    "timespan": ("soon", "'soon'", "36h"),
    "condition": ("{gte: many}", "'many'", "{gte: 3}"),
    "almenara": ("{onwer: desk}", "unknown key 'onwer'", "did you mean 'owner'?"),
}
"""What is wrong of one part, what is said of it, and the cure. No one of them needs the others to be found."""


def written(parts: Mapping[str, str]) -> str:
    """A correlation with one part on each line."""
    outer = {"title", "name", "level", "almenara"}
    head = "".join(f"{key}: {parts[key]}\n" for key in ("title", "name", "level"))
    inner = "".join(f"  {key}: {value}\n" for key, value in parts.items() if key not in outer)
    return f"{head}correlation:\n{inner}almenara: {parts['almenara']}\n"


def told(document: str) -> list[tuple[int, int, str]]:
    """Line in the document, column, and words of every fault; each has a cure."""
    faults = faults_of({"rules/r.yml": BASE + document})
    assert all(fault.cure or "; write" in fault.what for fault in faults), [str(fault) for fault in faults]
    return [(fault.line - HEAD, fault.column, f"{fault.what} -- {fault.cure}") for fault in faults]


def line_of(document: str, part: str) -> int:
    return next(n for n, line in enumerate(document.splitlines(), start=1) if line.strip().startswith(f"{part}:"))


def test_the_document_without_faults_is_sound() -> None:
    assert told(written(SOUND)) == []


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(sorted(BROKEN)), min_size=1))
def test_every_broken_part_of_a_correlation_is_told_and_nothing_else(parts: set[str]) -> None:
    document = written({**SOUND, **{part: BROKEN[part][0] for part in parts}})
    expected = {line_of(document, part): BROKEN[part][1:] for part in parts}
    found = told(document)
    assert sorted(line for line, _, _ in found) == sorted(expected), found
    for line, column, text in found:
        assert column >= 1
        assert all(words in text for words in expected[line]), text


@pytest.mark.parametrize("pair", list(itertools.permutations(["type", "condition", "timespan", "group-by"], 2)))
def test_a_part_that_is_missing_hides_no_other(pair: tuple[str, str]) -> None:
    gone, broken = pair
    parts = {**SOUND, broken: BROKEN[broken][0]}
    del parts[gone]
    document = written(parts)
    found = told(document)
    assert any(line == line_of(document, broken) and BROKEN[broken][1] in text for line, _, text in found)
    # Without a group-by everything is counted together: that is a way to write it, and only its alias is left over.
    said = {"type": "no type", "condition": "no condition", "timespan": "no timespan", "group-by": "nothing is grouped"}
    if (gone, broken) != ("condition", "type"):  # which could be one that needs no condition
        assert any(said[gone] in text for _, _, text in found), found
        assert len(found) == 2, found


ABSENCE = """title: C
name: c
correlation:
  type: temporal
  rules: [a, b]
  group-by: [k]
  timespan: {timespan}
  condition: {condition}
almenara:
  absence: {{anchor: {anchor}}}
"""


@pytest.mark.parametrize(
    ("timespan", "condition", "anchor", "said"),
    [
        ("soon", "a and not b", "b", {7: "'soon'", 10: "'b' is not the rule that must be there"}),
        ("2d", "a and and b", "z", {8: "cannot be read", 10: "'z' is not among its rules"}),
        ("soon", "a and not z", "a", {7: "'soon'", 8: "'z' is not among its rules"}),
        ("soon", "a or b", "a", {7: "'soon'", 8: "only `a and not b`"}),
    ],
)
def test_faults_of_an_absence_beside_each_other(
    timespan: str, condition: str, anchor: str, said: dict[int, str]
) -> None:
    found = told(ABSENCE.format(timespan=timespan, condition=condition, anchor=anchor))
    for line, words in said.items():
        assert any(at == line and words in text for at, _, text in found), found
    assert {line for line, _, _ in found} == set(said)


def test_every_key_of_a_condition_is_told() -> None:
    found = told(written({**SOUND, "condition": "{gte: 3, lte: 4, feld: x, percentile: 0}"}))
    for words in ("exactly one condition item", "did you mean 'field'?", "'0' is no percentile"):
        assert any(words in text for _, _, text in found), found


def test_a_rule_over_one_event_tells_all_of_its_faults() -> None:
    found = told("""title: C
name: c
level: severe
logsource: {}
detection: {s: {'f|foo': 1}, condition: s and t}
almenara:
  grace: 1h
  absence: {grace: soon}
  one_per: {within: 2 days}
  baseline: {at_least: 0, of: x}
  change: {keys: 7}
""")
    assert [(line, words) for line, words in EXPECTED if not any(line == at and words in t for at, _, t in found)] == []
    assert len(found) == len(EXPECTED), found


EXPECTED = (
    (3, "'severe'"),
    (4, "names no category"),
    (5, "Unknown modifier 'foo'"),
    (5, "names 't'"),
    (8, "names no anchor"),
    (8, "'soon' is not a duration"),
    (8, "absence needs a correlation"),
    (9, "with keys and within"),
    (9, "'2 days' is not a duration"),
    (10, "no number above 0"),
    (10, "'x' is not a duration"),
    (10, "baseline needs a correlation"),
    (11, "names no field"),
    (11, "must be a list of names"),
)


def test_two_correlations_of_one_name_both_tell_their_faults() -> None:
    one = written({**SOUND, "rules": "[x]", "aliases": "{}"})
    found = told(f"{one}---\n{written({**SOUND, 'rules': '[y]', 'aliases': '{}'})}")
    assert [words for words in ("'x'", "'y'", "is taken") if not any(words in text for _, _, text in found)] == []


@pytest.mark.parametrize("timespan", ["9" * 20 + "d", "9" * 12 + "y"])
def test_a_timespan_longer_than_there_is_time_is_a_fault(timespan: str) -> None:
    ((line, _, text),) = told(written({**SOUND, "timespan": timespan}))
    assert line == line_of(written(SOUND), "timespan")
    assert "longer than" in text


def test_a_correlation_over_no_rule_is_a_fault() -> None:
    ((_, _, text),) = told(written({**SOUND, "rules": "[]", "aliases": "{}"}))
    assert "names no rule" in text
