"""A bad ruleset is refused as a whole: all its faults at once, each with file, line and cure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.errors import Fault
from bad_input import SIX_FAULTS
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


def at(rest: str) -> list[Fault]:
    """The faults of a third document behind two sound ones, with lines counted from its own first."""
    return [Fault(f.file, f.line - HEAD, f.what, f.cure, f.column) for f in faults_of({"rules/r.yml": BASE + rest})]


def one(rest: str) -> Fault:
    faults = at(rest)
    assert len(faults) == 1, [str(fault) for fault in faults]
    return faults[0]


def test_a_rule_with_six_faults_tells_all_six() -> None:
    faults = faults_of({"rules/six.yml": SIX_FAULTS})
    assert [(fault.file, fault.line) for fault in faults] == [("rules/six.yml", n) for n in (3, 4, 5, 9, 12, 13)]
    said = "\n".join(str(fault) for fault in faults)
    for word in ("brand-new", "severe", "someday", "sounds_like", "did you mean 'owner'?", "must be a list"):
        assert word in said


def test_faults_of_all_files_are_told_at_once() -> None:
    faults = faults_of(
        {
            "rules/a.yml": "title: A\ndetection: {}\n",
            "rules/b.yml": "- not a map\n",
            "rules/c.yml": "title: [\n",
            "watchlists/w.csv": "id,name\n,x\n",
        }
    )
    assert {fault.file for fault in faults} == {"rules/a.yml", "rules/b.yml", "rules/c.yml", "watchlists/w.csv"}


def correlation(kind: str, condition: str, more: str = "", almenara: str = "") -> str:
    return f"""title: C
name: c
correlation:
  type: {kind}
  rules: [a, b]
  group-by: [k]
  timespan: 1d
  condition: {condition}
{more}{almenara}"""


@pytest.mark.parametrize(
    ("rest", "line", "what", "cure"),
    [
        (correlation("temporal", "not b"), 8, "not referenced", "`a and not b` for an absence"),
        (
            correlation("temporal", "not b").replace("[a, b]", "[b]"),
            8,
            "needs a deadline",
            "write condition: a and not b",
        ),
        (correlation("temporal", "a or not b"), 8, "where nothing happened at all", "then an absence over it"),
        (correlation("temporal", "a and not b"), 8, "needs its deadline", "almenara: {absence:"),
        (
            correlation("temporal", "a and not b", almenara="almenara: {absence: {anchor: b}}"),
            9,
            "'b' is not the rule that must be there",
            "anchor: a",
        ),
        (correlation("event_count", "{eq: 0}"), 8, "never exactly 0", "write an absence"),
        (correlation("event_count", "{gte: 0}"), 8, "holds always", "write an absence"),
        (correlation("value_count", "{gte: 3}"), 0, "", ""),
        (correlation("temporal_ordered", "{gte: 1}"), 8, "all of its rules are needed", "remove the condition"),
        (correlation("event_count", "{gte: 2}").replace("[a, b]", "[a, z]"), 5, "no rule is named 'z'", "name a rule"),
        (
            correlation("event_count", "{gte: 2}", almenara="almenara: {absence: {anchor: a}}"),
            9,
            "absence needs a correlation of type temporal",
            "change the type",
        ),
        (
            "title: D\nname: a\nlogsource: {product: x}\ndetection: {s: {f: 1}, condition: s}\n",
            2,
            "is taken",
            "choose another",
        ),
        (
            "title: D\nlogsource: {product: x}\ndetection: {s: {'f|expand': '%gone%'}, condition: s}\n",
            3,
            "no watchlist is named 'gone'",
            "",
        ),
        ("title: D\nlogsource: {product: x}\n", 1, "neither detection nor correlation", "add one of the two"),
        ("title: D\naction: global\n", 2, "action: global", "write each rule out"),
        (
            "title: D\nlogsource: {product: x}\nfilter: {rules: [a], s: {f: 1}, condition: s}\n",
            2,
            "log source does not fit a",
            "write the log source of a",
        ),
        ("- 1\n", 1, "a rule must be a map", "start with title"),
    ],
    ids=lambda value: str(value).replace("\n", " ")[:40],
)
def test_what_has_no_meaning_is_refused_with_the_cure(rest: str, line: int, what: str, cure: str) -> None:
    fault = one(rest)
    assert what in fault.what
    assert cure in fault.cure
    assert fault.line == line or not line


def test_the_library_underneath_says_nothing_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    pattern = "title: D\nlogsource: {product: x}\ndetection: {s: {'f|re': '(?<=a)b'}, condition: s}\n"
    assert "is invalid" in one(pattern).what
    assert capfd.readouterr() == ("", "")


SINGLE = "title: D\nlogsource: {product: x}\ndetection: {s: {f: 1}, condition: s}\nalmenara:\n"


@pytest.mark.parametrize(
    ("own", "line", "what", "cure"),
    [
        ("  onwer: x\n", 5, "unknown key 'onwer'", "did you mean 'owner'?"),
        ("  zzz: x\n", 5, "unknown key 'zzz'", "one of absence, baseline"),
        ("  version: 0\n", 5, "no version", "whole number from 1"),
        ("  version: new\n", 5, "no version", "whole number from 1"),
        ("  tags: x\n", 5, "must be a list of names", "[one, two]"),
        ("  say: {en: x}\n", 5, "no sentence in es", "add es"),
        ("  say: {en: x, es: y, fr: z}\n", 5, "unknown language 'fr'", "en or es"),
        ("  say: [x]\n", 5, "must map languages", "en: "),
        ("  one_per: {within: 2d}\n", 5, "keys and within", "for example"),
        ("  one_per: {keys: [x], within: 2 days}\n", 5, "'2 days' is not a duration", ""),
        ("  one_per:\n    keys: [x]\n    withn: 2d\n", 7, "unknown key 'withn'", "did you mean 'within'?"),
        ("  tests: {}\n", 5, "must be a list of maps", "events and expect"),
        ("  absence: x\n", 5, "must be a map", "for example"),
        ("  absence:\n    anchor: x\n    gracee: 6h\n", 7, "unknown key 'gracee'", "did you mean 'grace'?"),
        ("  absence:\n    anchor: x\n    grace: soon\n", 7, "'soon' is not a duration", ""),
        ("  absence: {anchor: x, on_late: forget}\n", 5, "'forget' is unknown", "resolve, retract or ignore"),
        ("  absence: {grace: 6h}\n", 5, "names no anchor", "add anchor:"),
        ("  absence: {anchor: x, coverage: all}\n", 5, "must be a list of names", "[one, two]"),
    ],
)
def test_our_own_map_is_checked_key_by_key(own: str, line: int, what: str, cure: str) -> None:
    faults = at(SINGLE + own)
    fault = next((f for f in faults if what in f.what), None)
    assert fault is not None, [str(f) for f in faults]
    assert cure in fault.cure or cure in fault.what
    assert fault.line == line


def test_our_own_map_must_be_a_map() -> None:
    assert "must be a map" in one(SINGLE.replace("almenara:\n", "almenara: 7\n")).what


@pytest.mark.parametrize(
    ("file", "text", "line", "what"),
    [
        ("lexicons/hostile_en.csv", "word,weight\n", 1, "must be term,weight"),
        ("lexicons/hostile_en.csv", "term,weight\nsmear,0.5\n\nlie,2\n", 3, "one term and its weight"),
        ("lexicons/hostile_en.csv", "term,weight\n" + "x" * 200_000 + ",0.5\n", 2, "not CSV"),
        ("lexicons/zones.csv", "country,zone\nPER,America/Lima\nCHL,Chile\n", 3, "no time zone"),
        ("lists/countries.csv", "alpha3,name\nPER,Peru\n", 1, "no column name_en, name_es"),
        ("watchlists/w.csv", "id,name\np-1," + "x" * 200_000 + "\n", 2, "not CSV"),
    ],
)
def test_tables_are_checked_too(file: str, text: str, line: int, what: str) -> None:
    faults = faults_of({"rules/r.yml": BASE, file: text})
    assert any((f.file, f.line) == (file, line) and what in f.what for f in faults), [str(f) for f in faults]


def test_the_sound_ones_around_are_sound() -> None:
    assert faults_of({"rules/r.yml": BASE}) == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_rule_does_more_than_give_faults(data: st.DataObject) -> None:
    """Whatever stands where: one Faulty with places, never another error."""
    odd = st.sampled_from(
        ["7", "x", "[]", "{}", "[1]", "{a: 1}", "null", "true", "''", "[[a]]", "{a: {b: [c]}}", "not a"]
    )
    keys = ("title", "name", "id", "status", "level", "date", "tags", "references", "logsource", "detection")
    more = ("correlation", "almenara", "fields", "falsepositives", "author", "related", "description")
    chosen = data.draw(st.dictionaries(st.sampled_from(keys + more), odd, min_size=1))
    for inner, under in (("condition", "detection"), ("type", "correlation"), ("absence", "almenara")):
        if under in chosen and data.draw(st.booleans()):
            chosen[under] = f"{{{inner}: {data.draw(odd)}, sel: {data.draw(odd)}, rules: {data.draw(odd)}}}"
    text = "".join(f"{key}: {value}\n" for key, value in chosen.items())
    for fault in faults_of({"rules/r.yml": BASE + text}):
        assert fault.line >= 1
        assert fault.what
