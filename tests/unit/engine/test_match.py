"""What Sigma's values, modifiers and conditions mean for an event: every one of them, both ways."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.errors import Faulty
from sigma_rules import detections, matches

UTF16 = base64.b64encode(b"x" + "ping".encode("utf-16-le") + b"y").decode()
MANY = "a" * 40 + "b"


@pytest.mark.parametrize(
    ("detection", "data", "wanted"),
    [
        # text without case, numbers as text, booleans, lists
        ({"f": "ABC"}, {"f": "abc"}, True),
        ({"f": "abc"}, {"f": "abcd"}, False),
        ({"f": "JOSÉ"}, {"f": "josé"}, True),
        ({"f": "Jose"}, {"f": "José"}, False),
        ({"f": "straße"}, {"f": "STRASSE"}, True),
        ({"f|cased": "ABC"}, {"f": "abc"}, False),
        ({"f|cased": "ABC"}, {"f": "ABC"}, True),
        ({"f": 5}, {"f": "5"}, True),
        ({"f": 5}, {"f": 5.0}, True),
        ({"f": 5}, {"f": "5.0"}, True),
        ({"f": "5"}, {"f": 5}, True),
        ({"f": 1}, {"f": True}, False),
        ({"f": True}, {"f": "True"}, True),
        ({"f": True}, {"f": 1}, False),
        ({"f": False}, {"f": False}, True),
        ({"f": ["a", "b"]}, {"f": "b"}, True),
        ({"f": "b"}, {"f": ["a", ["b"]]}, True),
        ({"f": "a", "g": "b"}, {"f": "a"}, False),
        ([{"f": "a"}, {"g": "b"}], {"g": "b"}, True),
        ({"a.b": 1}, {"a": {"b": 1}}, True),
        # wildcards
        ({"f": "a*c"}, {"f": "aXXc"}, True),
        ({"f": "a?c"}, {"f": "abc"}, True),
        ({"f": "a?c"}, {"f": "ac"}, False),
        ({"f": "a*"}, {"f": "a\nb"}, True),
        ({"f": r"a\*c"}, {"f": "a*c"}, True),
        ({"f": r"a\*c"}, {"f": "abc"}, False),
        ({"f": "a.c"}, {"f": "abc"}, False),
        # contains, startswith, endswith, all
        ({"f|contains": "B"}, {"f": "abc"}, True),
        ({"f|contains": "B"}, {"f": "acc"}, False),
        ({"f|contains|cased": "B"}, {"f": "abc"}, False),
        ({"f|startswith": "AB"}, {"f": "abc"}, True),
        ({"f|startswith": "b"}, {"f": "abc"}, False),
        ({"f|endswith": "BC"}, {"f": "abc"}, True),
        ({"f|endswith": "b"}, {"f": "abc"}, False),
        ({"f|contains|all": ["a", "c"]}, {"f": "abc"}, True),
        ({"f|contains|all": ["a", "z"]}, {"f": "abc"}, False),
        ({"f|contains|all": ["a", "z"]}, {"f": ["a", "z"]}, True),
        # regular expressions
        ({"f|re": "^a.c$"}, {"f": "abc"}, True),
        ({"f|re": "b"}, {"f": "abc"}, True),
        ({"f|re": "B"}, {"f": "abc"}, False),
        ({"f|re|i": "B"}, {"f": "abc"}, True),
        ({"f|re": "^c"}, {"f": "a\nc"}, False),
        ({"f|re|m": "^c"}, {"f": "a\nc"}, True),
        ({"f|re": "a.c"}, {"f": "a\nc"}, False),
        ({"f|re|s": "a.c"}, {"f": "a\nc"}, True),
        ({"f|re|i|m": "^C"}, {"f": "a\nc"}, True),
        ({"f|re": "(a+)+$"}, {"f": MANY}, False),
        ({"f|re": "1"}, {"f": 12}, True),
        ({"f|re": ".*"}, {"f": None}, False),
        # networks
        ({"f|cidr": "10.0.0.0/8"}, {"f": "10.1.2.3"}, True),
        ({"f|cidr": "10.0.0.0/8"}, {"f": "11.1.2.3"}, False),
        ({"f|cidr": ["10.0.0.0/8", "192.168.0.0/16"]}, {"f": "192.168.1.1"}, True),
        ({"f|cidr": "2001:db8::/32"}, {"f": "2001:db8::1"}, True),
        ({"f|cidr": "10.0.0.0/8"}, {"f": "2001:db8::1"}, False),
        ({"f|cidr": "10.0.0.0/8"}, {"f": "no address"}, False),
        # absent, empty, null
        ({"f|exists": True}, {"f": None}, True),
        ({"f|exists": True}, {"f": ""}, True),
        ({"f|exists": True}, {}, False),
        ({"f|exists": False}, {}, True),
        ({"f|exists": False}, {"f": None}, False),
        ({"f": None}, {"f": None}, True),
        ({"f": None}, {}, True),
        ({"f": None}, {"f": ""}, False),
        ({"f": None}, {"f": [None, 1]}, False),
        ({"f": ""}, {"f": ""}, True),
        ({"f": ""}, {}, False),
        ({"f": ""}, {"f": None}, False),
        ({"f": "*"}, {"f": ""}, True),
        ({"f": "*"}, {}, False),
        ({"f": "*"}, {"f": None}, False),
        # other fields
        ({"f|fieldref": "g"}, {"f": "A", "g": "a"}, True),
        ({"f|fieldref": "g"}, {"f": "a", "g": "b"}, False),
        ({"f|fieldref": "g"}, {}, False),
        ({"f|fieldref": "g"}, {"f": None, "g": None}, False),
        ({"f|fieldref": "g"}, {"f": ["a", "b"], "g": ["c", "B"]}, True),
        ({"f|fieldref": "g.h"}, {"f": 1, "g": {"h": "1"}}, True),
        ({"f|fieldref|startswith": "g"}, {"f": "abc", "g": "A"}, True),
        ({"f|fieldref|startswith": "g"}, {"f": "abc", "g": "b"}, False),
        ({"f|fieldref|endswith": "g"}, {"f": "abc", "g": "C"}, True),
        ({"f|fieldref|endswith": "g"}, {"f": "abc", "g": "b"}, False),
        ({"f|fieldref|contains": "g"}, {"f": "abc", "g": "B"}, True),
        ({"f|fieldref|contains": "g"}, {"f": "abc", "g": "x"}, False),
        ({"f|fieldref|neq": "g"}, {"f": "a", "g": "b"}, True),
        ({"f|fieldref|neq": "g"}, {"f": "a", "g": "A"}, False),
        # not equal: no value is equal, so an absent field is not equal either
        ({"f|neq": "a"}, {"f": "b"}, True),
        ({"f|neq": "a"}, {"f": "A"}, False),
        ({"f|neq": "a"}, {"f": ["b", "a"]}, False),
        ({"f|neq": "a"}, {}, True),
        # numbers
        ({"f|lt": 3}, {"f": 2.9}, True),
        ({"f|lt": 3}, {"f": 3}, False),
        ({"f|lte": 3}, {"f": 3}, True),
        ({"f|gt": 3}, {"f": "4"}, True),
        ({"f|gt": 3}, {"f": 3}, False),
        ({"f|gte": 0.7}, {"f": 0.7}, True),
        ({"f|gte": 3}, {"f": "three"}, False),
        ({"f|gte": 0}, {"f": True}, False),
        ({"f|lt": 3}, {"f": None}, False),
        ({"f|lt": 3}, {}, False),
        # encodings
        ({"f|windash|contains": " -x"}, {"f": "cmd /X"}, True),
        ({"f|windash|contains": " -x"}, {"f": "cmd –x"}, True),
        ({"f|windash|contains": " -x"}, {"f": "cmd +x"}, False),
        ({"f|base64": "foo"}, {"f": "Zm9v"}, True),
        ({"f|base64|contains": "foo"}, {"f": "==Zm9v=="}, True),
        ({"f|base64offset|contains": "foobar"}, {"f": base64.b64encode(b"xfoobary").decode()}, True),
        ({"f|base64offset|contains": "foobar"}, {"f": base64.b64encode(b"xxfoobary").decode()}, True),
        ({"f|base64offset|contains": "foobar"}, {"f": base64.b64encode(b"fooba").decode()}, False),
        ({"f|wide|base64offset|contains": "ping"}, {"f": UTF16}, True),
        ({"f|wide|base64offset|contains": "pong"}, {"f": UTF16}, False),
        # parts of a time, in UTC
        ({"f|minute": 5}, {"f": "2030-03-01T12:05:00Z"}, True),
        ({"f|hour": 12}, {"f": "2030-03-01T07:05:00-05:00"}, True),
        ({"f|hour": 7}, {"f": "2030-03-01T07:05:00-05:00"}, False),
        ({"f|day": 1}, {"f": "2030-03-01"}, True),
        ({"f|week": 9}, {"f": "2030-03-01"}, True),
        ({"f|month": 3}, {"f": "2030-03-01"}, True),
        ({"f|year": 2031}, {"f": "2030-03-01"}, False),
        ({"f|year": 2030}, {"f": "some day"}, False),
        # watchlists: by id, name or alias, folded, whole
        ({"f|expand": "%contacts%"}, {"f": "p-1"}, True),
        ({"f|expand": "%contacts%"}, {"f": "JOSE NANDU"}, True),
        ({"f|expand": "%contacts%"}, {"f": "pepe"}, True),
        ({"f|expand": "%contacts%"}, {"f": "Pepe Lucho"}, False),
        ({"f|expand": "%contacts%"}, {"f": ["x", "Grupo Uno, S.A."]}, True),
        ({"f|expand": "%contacts%"}, {"f": None}, False),
        ({"f|expand": "%contacts%"}, {}, False),
        ({"f|expand": ["%contacts%", "other"]}, {"f": "other"}, True),
        # keywords: anywhere in the data
        (["foo", "bar"], {"x": {"y": ["a FOO b"]}}, True),
        (["foo", "bar"], {"foo": "x"}, False),
        ({"|all": ["foo", "bar"]}, {"x": "foo", "y": "bar"}, True),
        ({"|all": ["foo", "bar"]}, {"x": "foo"}, False),
    ],
    ids=str,
)
def test_a_selection(detection: Any, data: dict[str, Any], wanted: bool) -> None:
    assert matches(detection, data) is wanted


ONE_TWO = {"s1": {"f": 1}, "s2": {"g": 1}, "other": {"h": 1}}


@pytest.mark.parametrize(
    ("condition", "data", "wanted"),
    [
        ("s1", {"f": 1}, True),
        ("not s1", {"f": 1}, False),
        ("not s1", {}, True),
        ("s1 and s2", {"f": 1}, False),
        ("s1 or s2", {"g": 1}, True),
        ("s1 and not other", {"f": 1}, True),
        ("s1 and not other", {"f": 1, "h": 1}, False),
        ("s1 or s2 and other", {"f": 1}, True),
        ("(s1 or s2) and other", {"f": 1}, False),
        ("not (s1 or s2)", {"h": 1}, True),
        ("1 of s*", {"g": 1}, True),
        ("1 of s*", {"h": 1}, False),
        ("any of s*", {"f": 1}, True),
        ("all of s*", {"f": 1}, False),
        ("all of s*", {"f": 1, "g": 1}, True),
        ("1 of them", {"h": 1}, True),
        ("all of them", {"f": 1, "g": 1}, False),
        ("all of them", {"f": 1, "g": 1, "h": 1}, True),
        ("not 1 of s*", {"h": 1}, True),
    ],
)
def test_a_condition(condition: str, data: dict[str, Any], wanted: bool) -> None:
    assert matches({**ONE_TWO, "condition": condition}, data) is wanted


@pytest.mark.parametrize(
    ("detection", "what"),
    [
        ({"f|sounds_like": "a"}, "Unknown modifier 'sounds_like'"),
        ({"f|re": "("}, "invalid"),
        ({"f|re": "(?=a)"}, "invalid"),
        ({"f|cidr": "everywhere"}, "CIDR"),
        ({"f|lt": "three"}, "needs a number"),
        ({"f|exists": "maybe"}, "needs true or false"),
        ({"f|expand": "%nobody%"}, "no watchlist is named 'nobody'"),
        ({"f|expand": "Mr %contacts%"}, "a list of that name alone"),
        ({"sel": {"f": 1}, "condition": "sel and missing"}, "missing"),
        ({"sel": {"f": 1}, "condition": "sel and ("}, "cannot be read"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(detection: Any, what: str) -> None:
    with pytest.raises(Faulty, match=r"rules/r\.yml:1") as caught:
        matches(detection, {})
    assert what in str(caught.value)


def test_the_matched_fields_are_told_with_their_entries() -> None:
    (detection,) = detections(
        {"who": {"p.name|expand": "%contacts%"}, "no": {"x": "y"}, "condition": "who and not no"},
        {"p": [{"name": "PEPE"}, {"name": "somebody"}], "x": "z"},
    )
    (matched,) = detection.matched
    assert (matched.field, matched.value, matched.watchlist) == ("p.name", "PEPE", "contacts")
    assert matched.entry["id"] == "p-1"


words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)


@given(words, words, words)
def test_contains_and_its_kin_agree_with_python(before: str, middle: str, after: str) -> None:
    whole = before + middle + after
    for modifier, part in (("contains", middle), ("startswith", before), ("endswith", after)):
        assert matches({f"f|{modifier}": part.swapcase()}, {"f": whole})
        assert matches({f"f|{modifier}|cased": part}, {"f": whole})
    assert matches({"f|contains": after}, {"f": before}) == (after.lower() in before.lower())
    assert matches({"f|startswith": after}, {"f": before}) == before.lower().startswith(after.lower())


@given(st.floats(-1e6, 1e6), st.integers(-1000, 1000))
def test_comparisons_agree_with_python(found: float, wanted: int) -> None:
    assert matches({"f|lt": wanted}, {"f": found}) == (found < wanted)
    assert matches({"f|lte": wanted}, {"f": found}) == (found <= wanted)
    assert matches({"f|gt": wanted}, {"f": str(found)}) == (found > wanted)
    assert matches({"f|gte": wanted}, {"f": [found]}) == (found >= wanted)


@given(st.dictionaries(st.sampled_from("fgh"), st.integers(0, 1)))
def test_not_is_the_opposite(data: dict[str, int]) -> None:
    for condition in ("s1", "s1 and s2", "1 of s*", "all of them"):
        assert matches({**ONE_TWO, "condition": condition}, data) != matches(
            {**ONE_TWO, "condition": f"not ({condition})"}, data
        )
