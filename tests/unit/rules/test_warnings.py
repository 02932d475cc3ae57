"""Warnings: each kind where it belongs, with place, words and cure; and none about a set that is as it should be."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from almenara.app.content import read_content
from almenara.engine.ruleset import Content, build
from almenara.rules.warned import Kind, Warned
from almenara.rules.warnings import has_one_value, warnings
from case_files import CONFIG

TODAY = date(2030, 6, 1)
GOOD = "level: low\nalmenara: {owner: desk, tests: [{events: [], expect: []}]}\n"
LISTS = {
    "watchlists/contacts.csv": "id,name,valid_to,review_by\np-1,One,,2031-01-01\n",
    "watchlists/others.csv": "id,name\no-1,Other\n",
}


def rule(name: str, detection: str, source: str = "category: meeting.held", more: str = GOOD) -> str:
    return (
        f"title: {name}\nname: {name}\nlogsource: {{product: almenara{', ' + source if source else ''}}}\n"
        f"detection:\n{detection}{more}"
    )


def found(*documents: str, **lists: str) -> list[Warned]:
    files = {"rules/r.yml": "---\n".join(documents)}
    files |= {f"watchlists/{name}.csv": text for name, text in lists.items()}
    content = Content(files)
    return warnings(content, build(content), TODAY)


def one(*documents: str, **lists: str) -> Warned:
    (warned,) = found(*documents, **lists)
    return warned


SOUND = rule("sound", "  s: {official.id: p-1}\n  condition: s\n")


def test_nothing_is_said_of_a_sound_set() -> None:
    assert found(SOUND) == []


def test_the_shipped_rules_have_no_warning_but_reviews_that_come_due() -> None:
    content = read_content(CONFIG)
    assert warnings(content, build(content), date(2026, 1, 1)) == []
    later = warnings(content, build(content), date(2026, 12, 31))
    assert {warned.kind for warned in later} == {Kind.REVIEW_DUE}


@pytest.mark.parametrize(
    ("detection", "source", "line", "words"),
    [
        ("  a: {ce.country: PER}\n  b: {ce.country: CHL}\n  condition: a and b\n", "", 7, "contradicts itself"),
        ("  a: {official.country: PER}\n  b: {official.country: CHL}\n  condition: a and b\n",
         "category: meeting.held", 7, "contradicts itself"),
        ("  a: {x: 1}\n  condition: a and not a\n", "", 6, "contradicts itself"),
        ("  a: {x: abc}\n  b: {'x|contains': b}\n  condition: a and not b\n", "", 7, "contradicts itself"),
        ("  a: {'x|exists': false, 'x|gte': 3}\n  condition: a\n", "", 6, "contradicts itself"),
        ("  a: {ce.type: poll.published}\n  condition: a\n", "category: meeting.held", 6, "contradicts itself"),
        ("  a: {x: 1}\n  condition: a\n", "category: meeting.hold", 3, "'meeting.hold' is no type of event"),
        ("  a: {x: 1}\n  condition: a\n", "category: tick", 3, "'tick' is no type of event"),
        ("  a: {x: 1}\n  condition: a\n", "service: sshd", 3, "no event of Almenara is of service sshd"),
    ],
)  # fmt: skip
def test_a_rule_that_can_never_fire(detection: str, source: str, line: int, words: str) -> None:
    warned = one(rule("r", detection, source))
    assert (warned.kind, warned.fault.file, warned.fault.line) == (Kind.NEVER, "rules/r.yml", line)
    assert words in warned.fault.what
    assert warned.fault.cure


def test_the_nearest_type_is_the_cure() -> None:
    assert one(rule("r", "  a: {x: 1}\n  condition: a\n", "category: meeting.hold")).fault.cure == (
        "did you mean 'meeting.held'?"
    )


@pytest.mark.parametrize(
    "detection",
    [
        "  a: {others.id: p-1}\n  b: {others.id: p-2}\n  condition: a and b\n",  # a list may hold both
        "  a: {place: Lima}\n  b: {place: Cusco}\n  condition: a and b\n",  # text or texts by language
        "  a: {unknown: 1}\n  b: {unknown: 2}\n  condition: a and b\n",
        "  a: {x: abc}\n  b: {'x|contains': d}\n  condition: a and not b\n",
    ],
)
def test_what_may_hold_is_not_warned_of(detection: str) -> None:
    assert found(rule("r", detection)) == []


def test_fields_with_one_value() -> None:
    assert has_one_value("meeting.held", "official.country")
    assert not has_one_value("meeting.held", "others.country")
    assert not has_one_value("meeting.held", "official")
    assert not has_one_value("", "official.country")
    assert has_one_value("", "ce.country")


def test_an_empty_watchlist() -> None:
    text = rule("r", "  a: {'official.id|expand': '%contacts%'}\n  condition: a\n")
    kinds = {warned.kind: warned.fault for warned in found(text, contacts="id,name\n")}
    assert set(kinds) == {Kind.NEVER, Kind.EMPTY_LIST}
    assert "the watchlist contacts has no entries" in kinds[Kind.NEVER].what
    assert kinds[Kind.EMPTY_LIST].file == "watchlists/contacts.csv"
    excluded = rule("r", "  a: {x: 1}\n  b: {'official.id|expand': '%contacts%'}\n  condition: a and not b\n")
    assert {w.kind for w in found(excluded, contacts="id,name\n")} == {Kind.EMPTY_LIST, Kind.IDLE_ITEM}


DEAD = rule("dead", "  a: {x: 1}\n  condition: a and not a\n", more="---\n")
FED = rule("fed", "  a: {x: 1}\n  condition: a\n", more="---\n")


ANCHOR = ", absence: {anchor: %s}"


def correlation(kind: str, rules: str, condition: str, own: str = "") -> str:
    return (
        f"title: c\nname: c\nlevel: low\ncorrelation:\n  type: {kind}\n  rules: [{rules}]\n  group-by: [k]\n"
        f"  timespan: 1d\n  condition: {condition}\n"
        f"almenara: {{owner: desk, tests: [{{events: [], expect: []}}]{own}}}\n"
    )


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (correlation("event_count", "dead", "{gte: 2}"), [Kind.NEVER, Kind.NEVER]),
        (correlation("event_count", "dead, fed", "{gte: 2}"), [Kind.NEVER]),
        (correlation("temporal", "dead, fed", "dead and fed"), [Kind.NEVER, Kind.NEVER]),
        (correlation("temporal", "dead, fed", "dead or fed"), [Kind.NEVER]),
        (correlation("temporal_ordered", "dead, fed", "dead and fed"), [Kind.NEVER, Kind.NEVER]),
        (correlation("temporal", "dead, fed", "dead and not fed", ANCHOR % "dead"), [Kind.NEVER, Kind.NEVER]),
        (correlation("temporal", "fed, dead", "fed and not dead", ANCHOR % "fed"), [Kind.NEVER, Kind.ALWAYS]),
    ],
    ids=["count", "count of either", "and", "or", "ordered", "anchor", "entry"],
)  # fmt: skip
def test_a_correlation_over_what_never_fires(text: str, kinds: list[Kind]) -> None:
    files = {"rules/r.yml": DEAD + FED + text}
    content = Content(files)
    told = [warned.kind for warned in warnings(content, build(content), TODAY)]
    assert [kind for kind in told if kind in (Kind.NEVER, Kind.ALWAYS)] == kinds


def test_a_rule_that_costs_every_event() -> None:
    warned = one(rule("r", "  a: {official.id: p-1}\n  condition: not a\n", ""))
    assert (warned.kind, warned.fault.line) == (Kind.COSTLY, 4)
    assert found(rule("r", "  a: {official.id: p-1}\n  condition: not a\n")) == []  # every meeting is not every event


def test_rules_that_say_the_same() -> None:
    same = rule("other", "  t: {'official.id': P-1}\n  condition: t\n")
    warned = one(SOUND, same)
    assert (warned.kind, warned.fault.line) == (Kind.OVERLAP, 13)
    assert "other says the same as sound" in warned.fault.what
    assert "rules/r.yml:1" in warned.fault.cure


@pytest.mark.parametrize(
    ("inner", "outer", "told"),
    [
        ("  a: {x: 1, y: 2}\n  condition: a\n", "  a: {x: 1}\n  condition: a\n", True),
        ("  a: {x: abc}\n  condition: a\n", "  a: {'x|startswith': a}\n  condition: a\n", True),
        ("  a: {x: 1}\n  b: {y: 1}\n  condition: a and b\n", "  a: {x: 1}\n  b: {y: 1}\n  condition: a or b\n", True),
        ("  a: {'x|gte': 5}\n  condition: a\n", "  a: {'x|gte': 3}\n  condition: a\n", True),
        ("  a: {x: 1}\n  condition: a\n", "  a: {y: 1}\n  condition: a\n", False),
        ("  a: {x: 1, y: 1}\n  condition: a\n", "  a: {x: 1, z: 1}\n  condition: a\n", False),
    ],
)
def test_a_rule_within_another(inner: str, outer: str, told: bool) -> None:
    warned = found(rule("inner", inner), rule("outer", outer))
    assert [w.fault.what for w in warned] == (["inner fires only where outer fires too"] if told else [])


def test_log_sources_count_and_feeding_rules_do_not() -> None:
    wide = rule("wide", "  s: {official.id: p-1}\n  condition: s\n", "")
    assert one(SOUND, wide).fault.what == "sound fires only where wide fires too"
    apart = rule("apart", "  s: {official.id: p-1}\n  condition: s\n", "category: meeting.registered")
    assert found(SOUND, apart) == []
    assert found(SOUND, FED.replace("x: 1", "official.id: p-1"), correlation("event_count", "fed", "{gte: 2}")) == []


def test_correlations_that_say_the_same() -> None:
    fed, counts = FED.removesuffix("---\n"), correlation("event_count", "fed", "{gte: 2}")
    again = counts.replace("name: c", "name: d")
    warned = one(fed, counts, again.replace("level: low", "level: high"))
    assert (warned.kind, warned.fault.what) == (Kind.OVERLAP, "d says the same as c")
    assert found(fed, counts, again.replace("gte: 2", "gte: 3")) == []


@pytest.mark.parametrize(
    ("detection", "line", "words"),
    [
        ("  a: {x: 1}\n  b: {y: 1}\n  condition: a\n", 6, "the condition does not name 'b'"),
        ("  a1: {x: 1}\n  a2: {x: 1, y: 1}\n  condition: 1 of a*\n", 6, "'a2' adds nothing"),
        ("  a: {x: abc}\n  b: {'x|contains': b}\n  condition: a and b\n", 6, "'b' asks for nothing more"),
        ("  a: {x: 1}\n  _b: {y: 1}\n  condition: all of them\n", 6, "the condition does not name '_b'"),
    ],
)
def test_items_that_change_nothing(detection: str, line: int, words: str) -> None:
    warned = one(rule("r", detection))
    assert (warned.kind, warned.fault.line) == (Kind.IDLE_ITEM, line)
    assert words in warned.fault.what


def test_manners_of_rules_that_tell_people() -> None:
    bare = rule("bare", "  s: {x: 1}\n  condition: s\n", more="")
    assert [(w.kind, w.fault.line) for w in found(bare)] == [
        (Kind.UNLEVELLED, 1),
        (Kind.UNOWNED, 1),
        (Kind.UNTESTED, 1),
    ]
    assert found(bare, correlation("event_count", "bare", "{gte: 2}")) == []


def test_lists_that_nobody_uses() -> None:
    by_name = rule("r", "  a: {official.name: x}\n  condition: a\n")
    warned = one(by_name, contacts="id,name\np-1,One\n")
    assert (warned.kind, warned.fault.file, warned.fault.line) == (Kind.UNUSED_LIST, "watchlists/contacts.csv", 1)
    assert found(SOUND, contacts="id,name\np-1,One\n") == []  # its ids may come from any list
    expanded = rule("r", "  a: {'official.id|expand': '%contacts%'}\n  condition: a\n")
    assert [w.fault.file for w in found(expanded, contacts="id,name\np-1,One\n", more="id,name\nx,X\n")] == [
        "watchlists/more.csv"
    ]


def test_entries_past_their_review_or_their_time() -> None:
    yesterday, today = (TODAY - timedelta(days=1)).isoformat(), TODAY.isoformat()
    text = (
        "id,name,valid_to,review_by,note\n"
        f'a,A,,{yesterday},"two\nlines"\n'
        f"b,B,{yesterday},{yesterday},\n"
        f"c,C,{today},{today},\n"
        "d,D,,,\n"
    )
    assert [(w.kind, w.fault.line, w.fault.what.split(" ")[-1]) for w in found(SOUND, contacts=text)] == [
        (Kind.REVIEW_DUE, 3, yesterday),
        (Kind.EXPIRED, 4, "later"),
    ]


def test_filters_that_hold_everything_back() -> None:
    held = (
        "title: F\nname: f\nlogsource: {product: almenara}\n"
        "filter: {rules: [sound], s: {'official.id|startswith': p}, condition: s}\n"
        "almenara: {owner: desk, reason: why not}\n"
    )
    warned = one(SOUND, held)
    assert (warned.kind, "filters hold back all that it finds (f)" in warned.fault.what) == (Kind.NEVER, True)


def test_a_filter_past_its_last_day() -> None:
    held = (
        "title: F\nname: f\nlogsource: {product: almenara}\n"
        "filter: {rules: [sound], s: {x: 1}, condition: s}\n"
        "almenara: {owner: desk, reason: why not, expires: '%s'}\n"
    )
    warned = one(SOUND, held % (TODAY - timedelta(days=1)))
    assert (warned.kind, warned.fault.line) == (Kind.EXPIRED, 10)
    assert found(SOUND, held % TODAY) == []


def test_every_kind_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")
    assert [kind for kind in Kind if f"`{kind}`" not in text] == []
