"""What changed between two rulesets, in words: every kind of change, and whose state is kept."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.engine.ruleset import Content, build
from almenara.rules.difference import Difference, Fate, Kind, Side, difference
from almenara.rules.difference_text import in_words

RULES = """title: A shock
name: shock
level: medium
logsource: {product: almenara, category: office.changed}
detection:
  kind: {change: removed}
  listed: {'who.id|expand': '%contacts%'}
  condition: kind and listed
almenara: {owner: desk, tags: [office], say: {en: A shock, es: Un golpe}}
---
title: Many shocks
name: many
level: high
correlation: {type: event_count, rules: [shock], group-by: [who.id], timespan: 30d, condition: {gte: 3}}
---
title: A rule by itself
name: alone
status: experimental
logsource: {product: almenara, category: poll.published}
detection: {s: {k: 1}, condition: s}
"""
LIST = "id,name,link,aliases,review_by\np-1,One,,Uno|Eins,2030-01-01\np-2,Two,,,\n"
FILES = {
    "rules/r.yml": RULES,
    "watchlists/contacts.csv": LIST,
    "lexicons/hostile_en.csv": "term,weight\nsmear,0.7\nlie,0.5\n",
    "lists/countries.csv": "alpha3,name_en,name_es\nPER,Peru,Perú\n",
}


def side(files: Mapping[str, str], lateness_s: int | None = 3600) -> Side:
    content = Content(files, lateness_s)
    return Side(content, build(content))


def changed(file: str, *swaps: tuple[str, str]) -> Difference:
    text = FILES[file]
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    return difference(side(FILES), side({**FILES, file: text}))


def lines(found: Difference) -> list[str]:
    return [line.strip() for line in in_words(found)]


def test_the_same_set_differs_in_nothing() -> None:
    found = difference(side(FILES), side(FILES))
    assert not found
    assert found.kept == ("shock", "alone", "many")
    assert lines(found) == ["nothing that counts differs: comments, order and spacing at most"]


def test_comments_and_order_do_not_count() -> None:
    first, second, third = RULES.split("---\n")
    assert not difference(side(FILES), side({**FILES, "rules/r.yml": f"# hello\n{third}---\n{first}---\n{second}"}))


@pytest.mark.parametrize(
    ("swap", "rule", "said"),
    [
        (("title: A shock", "title: A jolt"), "shock", "title  A shock → A jolt"),
        (("en: A shock", "en: A jolt"), "shock", "say.en  A shock → A jolt"),
        (("level: medium", "level: high"), "shock", "level  medium → high"),
        (("owner: desk", "owner: lima"), "shock", "owner  desk → lima"),
        (("tags: [office]", "tags: [office, new]"), "shock", "tags  [office] → [office, new]"),
        (
            ("status: experimental", "status: stable"),
            "alone",
            "status  experimental → stable: it tells people from now on",
        ),
    ],
)
def test_words_and_levels_keep_the_state(swap: tuple[str, str], rule: str, said: str) -> None:
    found = changed("rules/r.yml", swap)
    (one,) = found.rules
    assert (one.rule, one.kind, one.fate) == (rule, Kind.CHANGED, Fate.KEPT)
    assert said in lines(found)
    assert f"~ rule {rule}  changed; keeps its state" in lines(found)


def test_words_only_is_said_of_words_only() -> None:
    assert "words only:" in lines(changed("rules/r.yml", ("title: A shock", "title: A jolt")))
    assert "words only:" not in lines(changed("rules/r.yml", ("title: A shock", "title: A jolt"), ("medium", "low")))


def test_a_changed_detection_starts_anew_and_so_does_what_counts_it() -> None:
    found = changed("rules/r.yml", ("condition: kind and listed", "condition: kind or listed"))
    assert [(one.rule, one.fate, one.because) for one in found.rules] == [
        ("shock", Fate.ANEW, ()),
        ("many", Fate.ANEW, ("rule shock",)),
    ]
    assert "- condition: kind and listed" in lines(found)
    assert "+ condition: kind or listed" in lines(found)
    assert "= 1 rules as they were, with their state" in lines(found)


def test_items_of_a_detection_before_and_after() -> None:
    found = changed(
        "rules/r.yml", ("kind: {change: removed}", "kind: {change: [removed, censured]}"),
        ("  listed: {'who.id|expand': '%contacts%'}\n", ""), ("kind and listed", "kind"),
    )  # fmt: skip
    assert "- kind: {change: removed}" in lines(found)
    assert "+ kind: {change: [removed, censured]}" in lines(found)
    assert "- listed: {who.id|expand: '%contacts%'}" in lines(found)


def test_threshold_and_timespan_have_their_names() -> None:
    found = changed("rules/r.yml", ("{gte: 3}", "{gte: 4}"), ("timespan: 30d", "timespan: 45d"))
    (one,) = found.rules
    assert (one.rule, one.fate) == ("many", Fate.ANEW)
    assert {"threshold  3 → 4", "timespan  30d → 45d"} <= set(lines(found))


@pytest.mark.parametrize(
    "swaps",
    [
        [("group-by: [who.id]", "group-by: [k]")],
        [("type: event_count", "type: temporal"), ("{gte: 3}", "{gte: 1}")],
    ],
)
def test_a_rule_that_becomes_another_one_says_that_its_alerts_end(swaps: list[tuple[str, str]]) -> None:
    found = changed("rules/r.yml", *swaps)
    (one,) = found.rules
    assert (one.rule, one.fate) == ("many", Fate.OTHER)
    assert any("its open alerts are closed (rule_changed)" in line for line in lines(found))


def test_a_rule_that_only_feeds_others_from_now_on_says_that_its_alerts_end() -> None:
    counts = "title: C\nname: c\ncorrelation: {type: event_count, rules: [alone], timespan: 1d, condition: {gte: 3}}\n"
    found = difference(side(FILES), side({**FILES, "rules/c.yml": counts}))
    assert [(one.rule, one.fate) for one in found.rules] == [("alone", Fate.OTHER), ("c", Fate.NEW)]


def test_rules_that_come_and_go() -> None:
    found = changed("rules/r.yml", ("name: alone", "name: lonely"))
    assert [(one.rule, one.kind, one.fate, one.like) for one in found.rules] == [
        ("lonely", Kind.ADDED, Fate.NEW, "alone"),
        ("alone", Kind.REMOVED, Fate.ENDED, "lonely"),
    ]
    assert "- rule alone  removed; its open alerts are closed (rule_removed)" in lines(found)
    assert "lives on as lonely: under another name it is another rule" in lines(found)


def test_a_rule_that_moves_to_another_file_keeps_its_state() -> None:
    *first, last = RULES.split("---\n")
    found = difference(side(FILES), side({**FILES, "rules/r.yml": "---\n".join(first), "rules/s.yml": last}))
    assert [(one.rule, one.fate) for one in found.rules] == [("alone", Fate.KEPT)]
    assert "file  rules/r.yml → rules/s.yml" in lines(found)


def test_entries_of_watchlists() -> None:
    found = changed(
        "watchlists/contacts.csv",
        ("Uno|Eins,2030-01-01", "Eins|Un,2031-01-01"),
        ("p-2,Two,,,\n", "p-3,Three,soe,Tres,\n"),
    )
    (table,) = found.watchlists
    assert (table.table, table.kind) == ("contacts", Kind.CHANGED)
    assert [(e.id, e.name, e.kind) for e in table.entries] == [
        ("p-1", "One", Kind.CHANGED),
        ("p-2", "Two", Kind.REMOVED),
        ("p-3", "Three", Kind.ADDED),
    ]
    assert {edit.what for edit in table.entries[0].edits} == {"aliases", "review_by"}
    assert "~ p-1  One: review_by 2030-01-01 → 2031-01-01; aliases - Uno, + Un" in lines(found)
    assert "+ p-3  Three: link soe; aliases Tres" in lines(found)
    # What is keyed by ids of a list depends on the list.
    assert [(one.rule, one.because) for one in found.rules] == [("many", ("watchlist contacts",))]


def test_watchlists_lexicons_and_tables_that_come_and_change() -> None:
    files = {
        **FILES,
        "watchlists/more.csv": "id,name\nx,X\n",
        "lexicons/hostile_en.csv": "term,weight\nsmear,0.6\npuppet,0.4\n",
        "lists/countries.csv": FILES["lists/countries.csv"] + "CHL,Chile,Chile\n",
    }
    found = lines(difference(side(FILES), side(files)))
    assert {"+ watchlist more  added", "+ x  X"} <= set(found)
    at = found.index("~ lexicon hostile_en")
    assert found[at + 1 : at + 4] == ["~ smear: weight 0.7 → 0.6", "- lie", "+ puppet: weight 0.4"]
    assert found[found.index("~ table lists/countries.csv") + 1] == "+ CHL,Chile,Chile"


def test_lateness() -> None:
    assert "~ time.allowed_lateness  1h → 2d" in lines(difference(side(FILES, 3600), side(FILES, 172_800)))
    assert "~ time.allowed_lateness  1h → no bound" in lines(difference(side(FILES, 3600), side(FILES, None)))


SWAPS = [("A shock", "A jolt"), ("medium", "low"), ("gte: 3", "gte: 5"), ("removed", "censured"), ("k: 1", "k: 2")]


@given(st.sets(st.sampled_from(SWAPS)))
def test_a_fate_is_the_truth_about_the_detection_hash(swaps: set[tuple[str, str]]) -> None:
    text = RULES
    for old, new in swaps:
        text = text.replace(old, new)
    before, after = side(FILES), side({**FILES, "rules/r.yml": text})
    fates = {one.rule: one.fate for one in difference(before, after).rules}
    for name, rule in before.ruleset.by_name.items():
        same = rule.detection_hash == after.ruleset.by_name[name].detection_hash
        assert (fates.get(name, Fate.KEPT) == Fate.KEPT) == same


FILTER = """title: Known harmless
name: harmless
logsource: {product: almenara, category: office.changed}
filter: {rules: [shock], known: {who.id: p-2}, condition: known}
almenara: {owner: desk, reason: agreed}
"""


def test_filters_and_the_rules_they_hold_back() -> None:
    with_it = {**FILES, "rules/f.yml": FILTER}
    added = difference(side(FILES), side(with_it))
    assert [(one.filter, one.kind, one.rules) for one in added.filters] == [("harmless", Kind.ADDED, ("shock",))]
    shock = next(one for one in added.rules if one.rule == "shock")
    assert (shock.fate, shock.because) == (Fate.ANEW, ("filter harmless",))
    assert "+ filter harmless  added; it holds events back from shock" in lines(added)
    changed_filter = {**FILES, "rules/f.yml": FILTER.replace("p-2", "p-1").replace("agreed", "agreed anew")}
    found = lines(difference(side(with_it), side(changed_filter)))
    assert {"- known: {who.id: p-2}", "+ known: {who.id: p-1}", "reason  agreed → agreed anew"} <= set(found)
    words = {**FILES, "rules/f.yml": FILTER.replace("agreed", "agreed anew")}
    assert difference(side(with_it), side(words)).rules == ()
    assert "- filter harmless  removed; it held events back from shock" in lines(difference(side(with_it), side(FILES)))
