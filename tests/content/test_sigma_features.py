"""Every modifier and every form of a condition of the Sigma specification, both ways, from a rule's text to the engine.

`docs/sigma.md` names for each feature the test here that covers it.
"""

import base64
from typing import Any

import pytest

from sigma_rules import met, refused


def covers(detection: Any, *, meets: list[dict[str, Any]], misses: list[dict[str, Any]]) -> None:
    """Asserts which events the detection meets, at least one each way."""
    assert meets
    assert misses
    answers = met(detection, *meets, *misses)
    wrong = [
        f"{event} must {'' if index < len(meets) else 'not '}be met"
        for index, (event, answer) in enumerate(zip([*meets, *misses], answers, strict=True))
        if answer is not (index < len(meets))
    ]
    assert wrong == []


def f(*values: Any) -> list[dict[str, Any]]:
    """Events whose field f has these values."""
    return [{"f": value} for value in values]


def b64(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


# Values


def test_text() -> None:
    covers(
        {"f": "Moscow"}, meets=f("moscow", "MOSCOW", ["x", "Moscow"]), misses=f("moscow ", "", None, {"f": "moscow"}, 5)
    )
    covers({"f": "ÑANDÚ"}, meets=f("ñandú"), misses=f("nandu"))


def test_wildcards() -> None:
    covers({"f": "a*z"}, meets=f("az", "a\nz", "a*z", "AbcZ"), misses=f("az!", "xaz"))
    covers({"f": "a?z"}, meets=f("abz", "a?z", "añz"), misses=f("az", "abbz"))
    covers({"f": "*"}, meets=f("", "x", 0, False), misses=[*f(None), {}])
    covers({"f": "a.z"}, meets=f("a.z"), misses=f("abz"))


def test_escapes() -> None:
    covers({"f": r"a\*z"}, meets=f("a*z"), misses=f("abz", r"a\*z"))
    covers({"f": r"a\?z"}, meets=f("a?z"), misses=f("abz"))
    covers({"f": r"a\z"}, meets=f(r"a\z"), misses=f("az"))
    covers({"f": r"a\\z"}, meets=f(r"a\z"), misses=f(r"a\\z"))
    covers({"f": r"a\\*"}, meets=f("a\\", r"a\bc"), misses=f("a*", "abc"))
    covers({"f": r"a\\\*"}, meets=f(r"a\*"), misses=f(r"a\b", r"a\\*"))
    covers({"f": r"a\\\\z"}, meets=f(r"a\\z"), misses=f(r"a\z"))


def test_number() -> None:
    covers({"f": 5}, meets=f(5, 5.0, "5", "5.0", "+5", [4, 5]), misses=f("five", " 5", "5_0", True, None, 6))
    covers({"f": 0.5}, meets=f(0.5, "0.5", ".5", "5e-1"), misses=f("0.50x", "0,5"))
    covers({"f": 9007199254740993}, meets=f(9007199254740993, "9007199254740993"), misses=f(9007199254740992))
    covers({"f": "5"}, meets=f("5", 5), misses=f(5.0, "05"))


def test_boolean() -> None:
    covers({"f": True}, meets=f(True, "true", "TRUE"), misses=f(1, "1", "yes", False, None))
    covers({"f": False}, meets=f(False, "False"), misses=[*f(0, None), {}])
    covers({"f": "true"}, meets=f(True, "True"), misses=f(1, False))


def test_null_is_absent_or_null() -> None:
    covers({"f": None}, meets=[*f(None, [None], []), {}], misses=f("", 0, False, {}, [None, 1]))
    covers({"f.g": None}, meets=[{"f": {}}, {"f": 1}, {"f": {"g": None}}], misses=[{"f": {"g": ""}}])
    covers({"f": [None, "x"]}, meets=[*f("x", None), {}], misses=f("y"))
    covers({"s": {"f": None}, "condition": "not s"}, meets=f("", 0), misses=[*f(None), {}])


def test_empty_text_is_only_the_empty_text() -> None:
    covers({"f": ""}, meets=f("", ["x", ""]), misses=[*f(None, " ", 0, []), {}])


def test_list_of_values_is_any() -> None:
    covers({"f": ["a", 5, None]}, meets=[*f("A", "5", None), {}], misses=f("b", ""))


def test_list_in_the_event_is_any_element() -> None:
    covers({"f": "a"}, meets=f(["x", "a"], [["a"]]), misses=f([], ["x"], [{"f": "a"}]))
    covers({"f.g": "a"}, meets=[{"f": [{"g": "x"}, {"g": "a"}]}, {"f.g": "a"}], misses=[{"f": ["a"]}])


def test_map_is_and() -> None:
    covers({"f": "a", "g": "b"}, meets=[{"f": "a", "g": "b"}], misses=[{"f": "a"}, {"g": "b"}])


def test_list_of_maps_is_or() -> None:
    covers(
        [{"f": "a", "g": "b"}, {"h": "c"}, "word"],
        meets=[{"f": "a", "g": "b"}, {"h": "c"}, {"x": "a word"}],
        misses=[{"f": "a"}, {"g": "b"}],
    )


def test_nested_fields() -> None:
    covers(
        {"a.b.c": 1}, meets=[{"a": {"b": {"c": 1}}}, {"a.b": {"c": 1}}], misses=[{"a": {"b.x": {"c": 1}}}, {"a.b": 1}]
    )


# Modifiers


def test_contains() -> None:
    covers({"f|contains": "B C"}, meets=f("ab cd", "b c"), misses=f("bc", None, ["b", "c"]))
    covers({"f|contains": r"50\%*x"}, meets=f(r"a 50\% and x"), misses=f("50%x"))
    covers({"f|contains": ["x", "y"]}, meets=f("axe", "aye"), misses=f("a"))


def test_startswith() -> None:
    covers({"f|startswith": "AB"}, meets=f("abc", "ab"), misses=f("cab", "a"))
    covers({"f|startswith": "a*c"}, meets=f("abcd"), misses=f("xabcd"))


def test_endswith() -> None:
    covers({"f|endswith": r"\Cmd.exe"}, meets=f(r"C:\cmd.EXE"), misses=f("cmd.exe", r"\cmd.exe.txt"))


def test_all() -> None:
    covers({"f|contains|all": ["a", "b"]}, meets=f("ab", "b-a", ["xa", "bx"]), misses=f("a", "b"))
    covers({"f|all": ["a", "b"]}, meets=f(["b", "a"]), misses=f("a", ["a", "c"]))
    covers({"f|contains|all": "a"}, meets=f("xa"), misses=f("x"))


def test_cased() -> None:
    covers({"f|cased": "Abc"}, meets=f("Abc"), misses=f("abc", "ABC"))
    covers({"f|cased": "A*c?"}, meets=f("AxxcZ"), misses=f("axxcZ", "AxxCZ"))
    for key in ("f|contains|cased", "f|cased|contains"):
        covers({key: "Bc"}, meets=f("aBcd"), misses=f("abcd"))
    covers({"f|startswith|cased": "Ab"}, meets=f("Abc"), misses=f("abc"))
    covers({"f|cased|endswith": "Bc"}, meets=f("aBc"), misses=f("abc"))


def test_re() -> None:
    covers({"f|re": r"^a\d+c$"}, meets=f("a12c"), misses=f("A12c", "xa12c", "ac"))
    covers({"f|re": "b{2,3}|[x-z]"}, meets=f("abba", "y"), misses=f("aba", None, {"y": "y"}))
    covers({"f|re": "^1.5$"}, meets=f(1.5, 125), misses=f(15))
    covers({"f|re|all": ["a", "b"]}, meets=f("ba"), misses=f("a"))


def test_re_flags() -> None:
    for i in ("i", "ignorecase"):
        covers({f"f|re|{i}": "^ab"}, meets=f("AB"), misses=f("BA"))
    for m in ("m", "multiline"):
        covers({f"f|re|{m}": "^b$"}, meets=f("a\nb"), misses=f("a\nbc"))
    covers({"f|re": "^b$"}, meets=f("b"), misses=f("a\nb"))
    for s in ("s", "dotall"):
        covers({f"f|re|{s}": "a.b"}, meets=f("a\nb"), misses=f("ab"))
    covers({"f|re": "a.b"}, meets=f("a-b"), misses=f("a\nb"))
    covers({"f|re|i|m|s": "^b.c$"}, meets=f("a\nB\nC\nd"), misses=f("a\nb\ncd"))


def test_re_at_a_place() -> None:
    covers({"f|re|contains": "b+"}, meets=f("abba", "b"), misses=f("aa"))
    covers({"f|re|startswith": "a|b"}, meets=f("ax", "bx"), misses=f("xa", "x\na"))
    covers({"f|re|endswith|m": "a|b"}, meets=f("xa"), misses=f("ax", "a\nx"))


def test_base64() -> None:
    covers({"f|base64": "Lima"}, meets=f(b64("Lima")), misses=f("Lima", "x" + b64("Lima")))
    covers({"f|base64|contains": "foo"}, meets=f("x" + b64("foo") + "y"), misses=f(b64("xfoo")))
    covers({"f|cased|base64": "foo"}, meets=f("Zm9v"), misses=f("zM9V"))
    covers({"f|base64": r"a\*b"}, meets=f(b64("a*b")), misses=f(b64(r"a\*b")))


def test_base64offset() -> None:
    shifted = [b64("x" * shift + "http://" + "y" * 4) for shift in range(4)]
    for key in ("f|base64offset|contains", "f|base64offset"):
        covers({key: "http://"}, meets=f(*shifted), misses=f(b64("https:/"), "http://"))
    covers({"f|base64offset|contains": ["AAAA", "http://"]}, meets=f(*shifted), misses=f(b64("ftp://")))
    both = f(*(b64("x" * shift + "foobar.barfoo") for shift in range(3)))
    covers({"f|base64offset|contains|all": ["foobar", "barfoo"]}, meets=both, misses=f(b64("foobar.foobar")))


@pytest.mark.parametrize(
    ("modifier", "encoding", "mark"),
    [
        ("wide", "utf-16-le", ""),
        ("utf16le", "utf-16-le", ""),
        ("utf16be", "utf-16-be", ""),
        ("utf16", "utf-16-le", "\ufeff"),
    ],
)
def test_utf16(modifier: str, encoding: str, mark: str) -> None:
    covers({f"f|{modifier}|base64": "ping"}, meets=f(b64(mark + "ping", encoding)), misses=f(b64("ping"), "ping"))
    inside = [b64("xx" * shift + mark + "ping yy", encoding) for shift in range(3)]
    covers({f"f|{modifier}|base64offset|contains": "ping"}, meets=f(*inside), misses=f(b64("pong", encoding)))
    assert "ASCII" in refused({f"f|{modifier}|base64": "señal"})


def test_windash() -> None:
    spellings = [f"cmd {dash}x 1" for dash in "-/–—―"]
    covers({"f|windash|contains": " -x "}, meets=f(*spellings), misses=f("cmd +x 1", "cmd x 1", "cmd-x 1"))
    covers({"f|contains|windash": " /x "}, meets=f(*spellings), misses=f("cmd +x 1"))
    covers({"f|windash": "-x a-b"}, meets=f("/x a-b", "-x a-b"), misses=f("/x a/b"))
    covers({"f|windash|contains|all": [" -a", " -b"]}, meets=f("c /b –a"), misses=f("c /a"))
    covers({"f|windash|contains|cased": " -X"}, meets=f("c /X"), misses=f("c /x"))
    covers({"f|cased|windash|contains": " -X"}, meets=f("c /X"), misses=f("c /x"))


def test_cidr() -> None:
    covers(
        {"f|cidr": "10.0.0.0/8"},
        meets=f("10.255.0.1", ["x", "10.0.0.0"]),
        misses=f("11.0.0.1", "10.0.0", "::1", 10, None),
    )
    covers({"f|cidr": ["192.168.0.0/16", "127.0.0.1"]}, meets=f("192.168.9.9", "127.0.0.1"), misses=f("127.0.0.2"))
    covers({"f|cidr|all": ["10.0.0.0/8", "10.1.0.0/16"]}, meets=f("10.1.2.3"), misses=f("10.2.0.0"))
    covers({"f|cidr|neq": "10.0.0.0/8"}, meets=[*f("11.0.0.1", "no address"), {}], misses=f("10.0.0.1"))


def test_cidr_of_ipv6() -> None:
    covers(
        {"f|cidr": "2001:db8::/32"}, meets=f("2001:DB8::1", "2001:db8:0:1::"), misses=f("2001:db9::1", "32.1.13.184")
    )


def test_lt_lte_gt_gte() -> None:
    covers({"f|lt": 3}, meets=f(2.9, "2", -1), misses=[*f(3, "3", "two", None, True), {}])
    covers({"f|lte": 3}, meets=f(3, "3.0"), misses=f(3.1))
    covers({"f|gt": 3}, meets=f(4, "1e3"), misses=f(3, "nan", "inf", "1_000"))
    covers({"f|gte": 0.7}, meets=f(0.7, [0.1, 0.9]), misses=f(0.69))
    covers({"f|gt": 1, "f|lte": 5}, meets=f(5, 2), misses=f(1, 6))
    covers({"f|gt": [5, 1]}, meets=f(2), misses=f(1))


def test_neq() -> None:
    covers({"f|neq": "a"}, meets=[*f("b", None, ""), {}], misses=f("A", ["b", "a"]))
    covers({"f|neq": 5}, meets=f(6, "five"), misses=f(5, "5.0"))
    covers({"f|neq": ["a", "b"]}, meets=f("c"), misses=f("a", "b"))
    covers({"f|neq|all": ["a", "b"]}, meets=f("a", ["a", "c"]), misses=f(["b", "a"]))
    covers({"f|contains|neq": "a"}, meets=f("xyz"), misses=f("xay"))
    covers({"f|neq": None}, meets=f("", 0), misses=[*f(None), {}])
    covers({"s": {"f|neq": ["a", "b"]}, "condition": "not s"}, meets=f("a", "b"), misses=f("c"))
    covers({"f|re|neq": "^a"}, meets=f("ba"), misses=f("ab"))
    covers({"f|gt|neq": 3}, meets=f(3, "x"), misses=f(4))


def test_fieldref() -> None:
    both = {"f": "A", "g": "a"}
    covers({"f|fieldref": "g"}, meets=[both, {"f": 1, "g": "1"}], misses=[{"f": "a", "g": "b"}, {"f": "a"}, {"g": "a"}])
    covers({"f|fieldref": "g"}, meets=[both], misses=[{}, {"f": None, "g": None}, {"f": {}, "g": {}}])
    covers(
        {"f|fieldref": "g.h"}, meets=[{"f": ["x", "y"], "g": [{"h": "z"}, {"h": "Y"}]}], misses=[{"f": "x", "g": "x"}]
    )
    covers({"f|fieldref": ["g", "h"]}, meets=[{"f": "a", "h": "a"}], misses=[{"f": "a", "h": "b"}])


def test_fieldref_with_others() -> None:
    covers(
        {"f|fieldref|startswith": "g"}, meets=[{"f": "Abc", "g": "ab"}], misses=[{"f": "cab", "g": "ab"}, {"f": "x"}]
    )
    for key in ("f|fieldref|endswith", "f|endswith|fieldref"):
        covers({key: "g"}, meets=[{"f": "abC", "g": "bc"}], misses=[{"f": "bca", "g": "bc"}])
    covers({"f|fieldref|contains": "g"}, meets=[{"f": "abc", "g": "B"}], misses=[{"f": "b", "g": "abc"}])
    for key in ("f|fieldref|cased", "f|cased|fieldref"):
        covers({key: "g"}, meets=[{"f": "A", "g": "A"}], misses=[{"f": "A", "g": "a"}])
    covers({"f|fieldref|neq": "g"}, meets=[{"f": "a", "g": "b"}, {"f": "a"}], misses=[{"f": "a", "g": "A"}])


def test_exists() -> None:
    covers({"f|exists": True}, meets=f(None, "", 0, False, {}, "x"), misses=[{}, {"g": 1}])
    covers({"f|exists": False}, meets=[{}, {"g": {"f": 1}}], misses=f(None, "", "x"))
    covers({"f.g|exists": True}, meets=[{"f": {"g": None}}], misses=[{"f": {}}, {"f": None}])
    covers({"f|exists|neq": True}, meets=[{}], misses=f(None))


def test_expand() -> None:
    covers(
        {"f|expand": "%contacts%"}, meets=f("p-1", "jose nandu", "PEPE", ["x", "p-2"]), misses=[*f("Pepe L", None), {}]
    )
    covers({"f|expand": ["%contacts%", "other"]}, meets=f("Pepe", "Other"), misses=f("another"))
    covers({"f|expand|neq": "%contacts%"}, meets=[*f("x"), {}], misses=f("Pepe"))
    covers({"f": "%contacts%"}, meets=f("%Contacts%"), misses=f("Pepe"))
    covers({"f|expand": "100%"}, meets=f("100%"), misses=f("100"))


def test_time_parts() -> None:
    at = "2030-03-01T07:05:59-05:00"  # 12:05 UTC
    covers({"f|minute": 5}, meets=f(at), misses=f("2030-03-01T07:06:00Z", "five", None))
    covers({"f|hour": 12}, meets=f(at), misses=f("2030-03-01T07:05:00Z"))
    covers({"f|day": 1}, meets=f(at, "2030-03-01"), misses=f("2030-03-02"))
    covers({"f|week": 9}, meets=f(at), misses=f("2030-03-04"))
    covers({"f|month": 3}, meets=f(at), misses=f("2030-04-01"))
    covers({"f|year": 2030}, meets=f(at), misses=f("2031-03-01"))
    covers({"f|hour": [11, 12]}, meets=f(at), misses=f("2030-03-01T10:00:00Z"))


def test_time_parts_of_numbers() -> None:
    covers(
        {"f|year": 2030}, meets=f(1_900_000_000, 1_900_000_000_000), misses=f(1_700_000_000, True, "1900000000", 1e300)
    )


def test_time_parts_compared() -> None:
    late = ["2030-03-01T22:00:00Z", "2030-03-01T23:59:00Z"]
    covers({"f|hour|gte": 22}, meets=f(*late), misses=f("2030-03-01T21:59:00Z", "22"))
    covers({"f|lt|hour": 6}, meets=f("2030-03-01T05:59:00Z"), misses=f("2030-03-01T06:00:00Z", 5e12))
    covers({"f|hour|neq": 12}, meets=f(*late), misses=f("2030-03-01T12:30:00Z"))


# Keywords


def test_keywords() -> None:
    deep = {"x": {"y": ["a FOO b", 1]}}
    covers(["foo", "bar"], meets=[deep, {"f": "bar"}], misses=[{"foo": "x"}, {"f": "fo o"}])
    covers("foo", meets=[deep], misses=[{"foo": 1}])
    covers(["fo*b"], meets=[deep], misses=[{"f": "foo"}])
    covers([4688], meets=[{"f": 4688}, {"f": "event 4688 of"}], misses=[{"f": 468}])


def test_keywords_all() -> None:
    covers({"|all": ["foo", "bar"]}, meets=[{"f": "foo", "g": "bar"}, {"f": "foobar"}], misses=[{"f": "foo"}])
    covers({"|contains|all": ["foo", "bar"]}, meets=[{"f": "xbar foo"}], misses=[{"f": "bar"}])


def test_keywords_with_modifiers() -> None:
    covers({"|re": "^fo+$"}, meets=[{"f": ["x", "foo"]}], misses=[{"f": "a foo"}])
    covers({"|re|i": "FO+"}, meets=[{"f": "a foo"}], misses=[{"f": "f"}])
    covers({"|cased": "Foo"}, meets=[{"f": "a Foo"}], misses=[{"f": "a foo"}])
    covers({"|startswith": "foo"}, meets=[{"f": {"g": "Foo b"}}], misses=[{"f": "a foo"}])
    covers({"|endswith": "foo"}, meets=[{"f": "a foo"}], misses=[{"f": "foo b"}])
    covers({"|windash": " -foo"}, meets=[{"f": "a /foo"}], misses=[{"f": "a +foo"}])
    covers({"|base64offset|contains": "foobar"}, meets=[{"f": b64("xfoobarx")}], misses=[{"f": "foobar"}])
    covers({"|neq": "foo"}, meets=[{"f": "bar"}, {}], misses=[{"f": "a foo"}])


# Conditions

THREE = {"s1": {"f": 1}, "s_2": {"g": 1}, "other": {"h": 1}, "_hidden": {"i": 1}}
F, G, H, HIDDEN = {"f": 1}, {"g": 1}, {"h": 1}, {"i": 1}


def condition(text: Any, *, meets: list[dict[str, Any]], misses: list[dict[str, Any]]) -> None:
    covers({**THREE, "condition": text}, meets=meets, misses=misses)


def test_and_or_not() -> None:
    condition("s1 and s_2", meets=[F | G], misses=[F, G])
    condition("s1 or s_2", meets=[F, G], misses=[H])
    condition("not s1", meets=[G, {}], misses=[F])
    condition("not not s1", meets=[F], misses=[G])


def test_precedence() -> None:
    condition("s1 or s_2 and other", meets=[F, G | H], misses=[G, H])
    condition("not s1 and s_2", meets=[G], misses=[F | G, {}])
    condition("not s1 or s_2", meets=[{}, F | G], misses=[F])


def test_brackets() -> None:
    condition("(s1 or s_2) and other", meets=[F | H, G | H], misses=[F, H])
    condition("not (s1 or (s_2 and not (other)))", meets=[{}, G | H], misses=[F, G])


def test_one_of() -> None:
    condition("1 of s*", meets=[F, G], misses=[H, HIDDEN])
    condition("any of s*", meets=[F, G], misses=[H])
    condition("1 of *_2", meets=[G], misses=[F])
    condition("1 of s1", meets=[F], misses=[G])
    condition("1 of _hid*", meets=[HIDDEN], misses=[F])
    condition("not 1 of s* and other", meets=[H], misses=[F | H, {}])


def test_all_of() -> None:
    condition("all of s*", meets=[F | G], misses=[F, G])
    condition("all of s* and not other", meets=[F | G], misses=[F | G | H])


def test_one_of_them() -> None:
    condition("1 of them", meets=[F, G, H], misses=[HIDDEN, {}])


def test_all_of_them() -> None:
    condition("all of them", meets=[F | G | H], misses=[F | G, F | G | HIDDEN])


def test_selections_that_begin_with_an_underscore_can_be_named() -> None:
    condition("_hidden and s1", meets=[F | HIDDEN], misses=[F, HIDDEN])


def test_list_of_conditions_is_or() -> None:
    condition(["s1", "s_2 and other"], meets=[F, G | H], misses=[G, H])
