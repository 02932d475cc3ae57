"""Precision from judgements: the interval, the tallies per rule, entry and alias, and what they propose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.alert import Alert, Matched
from almenara.engine.ruleset import Content, build
from almenara.rules.precision import by_entry, by_rule, wilson
from almenara.rules.proposals import Action, Proposal, proposals
from told import evidence, other

RULES = """title: Meets
name: meets
logsource: {product: almenara, category: meeting.held}
detection: {s: {'who.id|expand': '%contacts%'}, condition: s}
---
title: In shadow
name: hidden
status: experimental
logsource: {product: almenara, category: poll.published}
detection: {s: {k: 1}, condition: s}
---
title: Many
name: many
correlation: {type: event_count, rules: [meets], group-by: [who.id], timespan: 30d, condition: {gte: 3}}
---
title: Many days
name: days
correlation:
  type: value_count
  rules: [meets]
  group-by: [who.id]
  timespan: 30d
  condition: {gte: 2, field: place}
"""
LIST = "id,name,aliases\np-1,Costa Industries,Costa|CIMC\np-2,Two,\n"
ACTIVE = build(Content({"rules/r.yml": RULES, "watchlists/contacts.csv": LIST}))
VERSIONS = {rule.name: rule.version for rule in ACTIVE.rules}
COSTA = dict(ACTIVE.lists["contacts"].by_id["p-1"])


def alert(rule: str, judgement: str, name: str = "", **more: object) -> Alert:
    """An alert of a rule; with a name it matched the entry p-1 by it."""
    data = {"who": {"id": "p-1", "name": name}}
    matched = (Matched(field="who.id", value="p-1", watchlist="contacts", version="x", entry=COSTA),) if name else ()
    return other("meeting.held", data, rule=rule, judgement=judgement, matched=matched, rule_version=1, **more)


def proposed(*alerts: Alert) -> list[Proposal]:
    rules = by_rule(alerts, VERSIONS)
    return proposals(rules, by_entry([a for record in rules for a in record.alerts]), ACTIVE)


@pytest.mark.parametrize(
    ("true", "decided", "low", "high"),
    # Computed by the formula of Wilson (1927) in exact arithmetic, rounded.
    [(0, 0, 0, 1), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (9, 10, 0.5958, 0.9821), (1, 5, 0.0362, 0.6245)],
)
def test_known_intervals(true: int, decided: int, low: float, high: float) -> None:
    assert wilson(true, decided) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_the_share_and_mirrors(true: int, false: int) -> None:
    decided = true + false
    low, high = wilson(true, decided)
    assert 0 <= low <= high <= 1
    if decided:
        assert low - 1e-9 <= true / decided <= high + 1e-9
    other_low, other_high = wilson(false, decided)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high))


def test_a_rule_is_judged_by_its_own_version() -> None:
    alerts = [
        *(alert("meets", word) for word in ("true", "true", "false", "unclear", "")),
        other("meeting.held", {}, rule="meets", judgement="false", rule_version=7),
        other("meeting.held", {}, rule="gone", judgement="true", rule_version=4),
    ]
    gone, meets = by_rule(alerts, VERSIONS)
    assert (gone.rule, gone.tally.true, gone.other_versions) == ("gone", 1, 0)
    tally = meets.tally
    assert (tally.true, tally.false, tally.unclear, tally.unjudged, meets.other_versions) == (2, 1, 1, 1, 1)
    assert (tally.judged, tally.decided, tally.precision) == (4, 3, pytest.approx(2 / 3))


def test_entries_are_told_apart_by_the_names_that_stood_in_the_events() -> None:
    (entry,) = by_entry([alert("meets", "false", "COSTA"), alert("meets", "true", "Cimc"), alert("meets", "", "cimc")])
    assert (entry.watchlist, entry.id, entry.name) == ("contacts", "p-1", "Costa Industries")
    assert {name: (tally.true, tally.false, tally.unjudged) for name, tally in entry.aliases.items()} == {
        "Costa": (0, 1, 0),
        "CIMC": (1, 0, 1),
    }


def test_an_alert_counts_once_for_an_entry_that_it_met_twice() -> None:
    one = alert("meets", "false", "Costa")
    (entry,) = by_entry([Alert(**{f: getattr(one, f) for f in one.__slots__} | {"matched": one.matched * 2})])
    assert entry.tally.decided == 1


def test_an_entry_that_is_mostly_wrong_and_the_alias_that_makes_it_so() -> None:
    wrong = [alert("meets", "false", "Costa") for _ in range(4)]
    narrow = [p for p in proposed(*wrong, alert("meets", "true", "CIMC")) if p.action == Action.NARROW_ENTRY]
    assert [p.about for p in narrow] == ["contacts/p-1"]
    assert narrow[0].text == (
        "entry p-1 of list contacts (Costa Industries): 4 of 5 false (95 %: 38 to 96 %); "
        "narrow or remove the alias 'Costa' (4 false)"
    )
    all_wrong = [p.text for p in proposed(*wrong, alert("meets", "false", "Costa")) if p.action == Action.NARROW_ENTRY]
    assert all_wrong[0].endswith("remove it, or narrow the alias 'Costa'")
    by_name = [p.text for p in proposed(*(alert("meets", "false", "Costa Industries") for _ in range(5)))]
    assert by_name[-1].endswith("remove it, or ask for more than the name in the rules that use it")


def test_a_good_rule_in_shadow_is_to_be_promoted_and_a_poor_one_narrowed() -> None:
    good = [alert("hidden", "true")] * 9 + [alert("hidden", "false")]
    (one,) = proposed(*good)
    assert (one.action, one.about) == (Action.PROMOTE, "hidden")
    assert one.text == (
        "rule hidden: 9 of 10 true (95 %: 60 to 98 %) in shadow; promote it (almenara rules promote hidden)"
    )
    (poor,) = proposed(*[alert("meets", "false")] * 4, alert("meets", "true"))
    assert (poor.action, poor.about) == (Action.NARROW_RULE, "meets")
    assert "4 of 5 false" in poor.text
    assert "experimental" in poor.text


@pytest.mark.parametrize(
    "alerts",
    [
        [alert("hidden", "true")] * 9,
        [alert("meets", "true")] * 10,
        [alert("meets", "false")] * 4,
        [alert("meets", "unclear")] * 20,
        [alert("gone", "false")] * 20,
        [alert("many", "false", event_count=3)] * 3,
    ],
)
def test_little_is_proposed_from_little(alerts: list[Alert]) -> None:
    assert proposed(*alerts) == []


def test_a_threshold_that_drops_false_alerts_and_no_true_one() -> None:
    alerts = [
        *(alert("many", "false", event_count=count) for count in (3, 3, 3, 6)),
        *(alert("many", "true", event_count=count) for count in (5, 9, 12)),
        alert("many", "unclear", event_count=3),
    ]
    (one,) = [p for p in proposed(*alerts) if p.action == Action.RAISE_THRESHOLD]
    assert one.text == (
        "rule many: raise the threshold from 3 to 4: would drop 3 false and 0 true (1 unclear), "
        "by the events each alert holds"
    )


def test_a_threshold_over_values_counts_the_values_that_the_events_hold() -> None:
    def held(judgement: str, *places: str) -> Alert:
        events = tuple(evidence("meeting.held", {"place": place}) for place in places)
        return other("meeting.held", {}, rule="days", judgement=judgement, rule_version=1, events=events,
                     event_count=len(events))  # fmt: skip

    alerts = [held("false", "a", "a", "b", "b"), held("false", "a", "b"), held("true", "a", "b", "c")]
    (one,) = [p for p in proposed(*alerts) if p.action == Action.RAISE_THRESHOLD]
    assert "from 2 to 3: would drop 2 false and 0 true," in one.text
