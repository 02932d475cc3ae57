"""How correlations are written: what is compiled, and what parses, means nothing, and is refused with the cure."""

import pytest

from almenara.domain.errors import Fault
from almenara.engine.rule import (
    AggregateRule,
    AnyRule,
    AtLeast,
    ChangeRule,
    FirstSeenRule,
    Measure,
    Missing,
    OrderedRule,
    Present,
    TemporalRule,
)
from almenara.engine.ruleset import Content, build
from sigma_rules import faults_of

BASE = "\n---\n".join(
    f"title: {name}\nname: {name}\nid: {number}0000000-0000-4000-8000-000000000000\n"
    f"logsource: {{product: almenara}}\ndetection: {{s: {{f: {number}}}, condition: s}}"
    for number, name in enumerate("abc", start=1)
)
HEAD = BASE.count("\n") + 2


def correlation(inner: str, own: str = "", name: str = "d") -> str:
    return f"title: {name}\nname: {name}\ncorrelation:\n  timespan: 1d\n{inner}{own}"


def count(condition: str, kind: str = "event_count", more: str = "") -> str:
    return correlation(f"  type: {kind}\n  rules: [a, b]\n  condition: {condition}\n{more}")


def temporal(condition: str, kind: str = "temporal", rules: str = "[a, b, c]") -> str:
    return correlation(f"  type: {kind}\n  rules: {rules}\n  condition: {condition}\n")


def compiled(*documents: str) -> dict[str, AnyRule]:
    return dict(build(Content({"rules/r.yml": "\n---\n".join((BASE, *documents))})).by_name)


def fault(*documents: str) -> Fault:
    faults = faults_of({"rules/r.yml": "\n---\n".join((BASE, *documents))})
    assert len(faults) == 1, [str(one) for one in faults]
    return Fault(faults[0].file, faults[0].line - HEAD, faults[0].what, faults[0].cure)


@pytest.mark.parametrize(
    ("kind", "measure", "condition"),
    [
        ("event_count", Measure.EVENTS, "{gt: 2}"),
        ("value_count", Measure.VALUES, "{lte: 2, field: [x, y]}"),
        ("value_sum", Measure.SUM, "{neq: 0, field: x}"),
        ("value_avg", Measure.AVERAGE, "{lt: -1.5, field: x}"),
        ("value_percentile", Measure.PERCENTILE, "{eq: 9, field: x, percentile: 95}"),
        ("value_median", Measure.MEDIAN, "{gte: 3, field: x}"),
    ],
)
def test_every_aggregate_is_compiled(kind: str, measure: Measure, condition: str) -> None:
    rule = compiled(count(condition, kind))["d"]
    assert isinstance(rule, AggregateRule)
    assert (rule.measure, rule.op) == (measure, condition[1 : condition.index(":")])
    assert rule.percentile == (95 if measure == Measure.PERCENTILE else 50)


def test_conditions_over_rules() -> None:
    rule = compiled(temporal("a and (b or not c)"))["d"]
    assert isinstance(rule, TemporalRule)
    either = AtLeast(1, (Present("b"), Missing(Present("c"))))
    assert rule.condition == AtLeast(2, (Present("a"), either))


def test_two_of_three() -> None:
    rule = compiled(temporal("{gte: 2}"))["d"]
    assert isinstance(rule, TemporalRule)
    assert rule.condition == AtLeast(2, (Present("a"), Present("b"), Present("c")))


def test_the_steps_of_an_order_are_those_of_the_condition() -> None:
    rule = compiled(temporal("c and (a or b)", "temporal_ordered"))["d"]
    assert isinstance(rule, OrderedRule)
    assert rule.steps == (("c",), ("a", "b"))


def test_a_rule_may_be_named_by_its_id() -> None:
    text = "  type: temporal_ordered\n  rules: [20000000-0000-4000-8000-000000000000, a]\n"
    rule = compiled(correlation(text))["d"]
    assert isinstance(rule, OrderedRule)
    assert rule.steps == (("b",), ("a",))


def test_rules_may_be_left_to_the_condition() -> None:
    rule = compiled(correlation("  type: temporal\n  condition: a and b\n"))["d"]
    assert isinstance(rule, TemporalRule)
    assert rule.rules == ("a", "b")


def test_members_stand_before_what_is_over_them_whatever_the_order_of_the_documents() -> None:
    outer = correlation("  type: event_count\n  rules: [inner]\n  condition: {gte: 2}\n")
    inner = correlation("  type: event_count\n  rules: [a]\n  condition: {gte: 2}\n", name="inner")
    rules = compiled(outer, inner)
    assert list(rules).index("inner") < list(rules).index("d")
    assert (rules["inner"].alerts, rules["a"].alerts, rules["b"].alerts) == (False, False, True)
    loud = compiled(outer.replace("rules:", "generate: true\n  rules:"), inner)
    assert (loud["inner"].alerts, loud["a"].alerts) == (True, False)


def test_an_absence_over_correlations_and_a_correlation_over_absences() -> None:
    both = correlation("  type: temporal\n  rules: [a, b]\n", name="both")
    missing = correlation(
        "  type: temporal\n  rules: [both, c]\n  condition: both and not c\n",
        "almenara: {absence: {anchor: both}}",
        name="missing",
    )
    often = correlation("  type: event_count\n  rules: [missing]\n  condition: {gte: 2}\n")
    assert list(compiled(often, missing, both))[-3:] == ["both", "missing", "d"]


def test_a_rule_with_a_history_is_fed_by_its_own_match() -> None:
    own = "almenara: {first_seen: {fields: [y], keys: [x], within: 30d, learn: 5d}}"
    rules = compiled(BASE.split("---")[0].replace("name: a", "name: n").replace("id: 1", "id: 9") + own)
    rule = rules["n"]
    assert isinstance(rule, FirstSeenRule)
    assert (rule.rules, rule.group_by, rules["n:match"].alerts) == (("n:match",), ("x", "y"), False)
    assert rule.horizon is None
    change = compiled(
        BASE.split("---")[0].replace("name: a", "name: n").replace("id: 1", "id: 9") + "almenara: {change: {field: x}}"
    )["n"]
    assert isinstance(change, ChangeRule)


def test_how_far_back_a_rule_looks() -> None:
    inner = correlation("  type: event_count\n  rules: [a]\n  condition: {gte: 2}\n", name="inner")
    rules = compiled(correlation("  type: temporal\n  rules: [inner, b]\n", "almenara: {grace: 5m}"), inner)
    rule = rules["d"]
    assert isinstance(rule, TemporalRule)
    assert rule.horizon is not None
    # A timespan of a day for each of the two, and a day for what is known only to the day.
    assert rule.horizon.total_seconds() == 4 * 86_400 + 300


def own(almenara: str, inner: str = "  type: event_count\n  rules: [a]\n  condition: {gte: 2}\n") -> str:
    return correlation(inner, f"almenara: {almenara}")


LINE = 7
"""The line of the condition in the documents above."""


@pytest.mark.parametrize(
    ("document", "line", "what", "cure"),
    [
        (count("{lt: 1}"), LINE, "never less than 1", "write an absence"),
        (count("{lte: 0}"), LINE, "never at most 0", "write an absence"),
        (count("{eq: 2.5}"), LINE, "never exactly 2.5", "a whole number"),
        (count("{neq: 0}"), LINE, "holds always", "write gte: 1"),
        (count("{gt: 1, lte: 5}"), LINE, "exactly one condition item", "one bound"),
        (count("{gte: 2, field: x}"), LINE, "counts events, not values", "value_count"),
        (count("{gte: 2, field: 7}", "value_count"), LINE, "named by a text", "field:"),
        (count("{gte: 2, field: [x, y]}", "value_sum"), LINE, "takes one field", "a rule for each"),
        (count("{gte: 2, field: x}", "value_percentile"), LINE, "needs its percentile", "percentile: 95"),
        (count("{gte: 2, field: x, percentile: 100}", "value_percentile"), LINE, "is no percentile", "1 to 99"),
        (count("{gte: 2, field: x, percentile: 0}", "value_percentile"), LINE, "is no percentile", "1 to 99"),
        (count("{gte: 2, field: x, percentile: 5}", "value_sum"), LINE, "only value_percentile", "remove it"),
        (count("{gte: 2}", more="  group-by: [k]\n  aliases: {o: {a: x}}\n"), 9, "nothing is grouped by", "group-by"),
        (count("{gte: 2}", more="  group-by: [k]\n  aliases: {k: {c: x}}\n"), 9, "not among its rules", ""),
        (temporal("not a and not b and not c"), LINE, "needs a deadline", "a and not b"),
        (temporal("a and b and not c"), LINE, "needs a deadline", "then an absence over it"),
        (temporal("not (a and b and c)"), LINE, "needs a deadline", "a and not b"),
        (temporal("a or b or not c"), LINE, "where nothing happened", "absence over it"),
        (temporal("{lte: 2}"), LINE, "a window without the rest", "write gte"),
        (temporal("{gte: 4}"), LINE, "at least 4 of 3 rules", "gte: 3"),
        (temporal("a or b or c", "temporal_ordered"), LINE, "needs two steps", "temporal"),
        (temporal("a and (b or not c)", "temporal_ordered"), LINE, "no order", "in order"),
        (temporal("{gte: 2}", "temporal_ordered"), LINE, "all of its rules", "remove"),
        (own("{baseline: {of: 2h, at_least: 3}}"), 8, "shorter than the timespan", "90d"),
        (own("{baseline: {of: 90d, at_least: 0}}"), 8, "no number above 0", "3.0"),
        (own("{baseline: {at_least: 3}}"), 8, "is missing", "90d"),
        (
            own("{baseline: {of: 90d, at_least: 3}}", "  type: temporal\n  rules: [a, b]\n"),
            7,
            "event_count or value_count",
            "change the type",
        ),
        (own("{first_seen: {fields: [x], within: 9d}}"), 8, "looks at single events", "rule over one event"),
        (own("{grace: soon}"), 8, "not a duration", ""),
        (
            own("{grace: 5m, absence: {anchor: a}}", "  type: temporal\n  rules: [a, b]\n  condition: a and not b\n"),
            8,
            "stands in its own map",
            "absence: {grace",
        ),
    ],
    ids=lambda value: str(value).replace("\n", " ")[-40:],
)
def test_what_means_nothing_is_refused(document: str, line: int, what: str, cure: str) -> None:
    found = fault(document)
    assert what in found.what
    assert cure in found.cure or cure in found.what
    assert found.line == line


@pytest.mark.parametrize(
    ("almenara", "what", "cure"),
    [
        ("{grace: 5m}", "waits for nothing", "remove it"),
        ("{baseline: {of: 90d, at_least: 3}}", "needs a correlation", "a document of its own"),
        ("{first_seen: {within: 9d}}", "names no fields", "counterpart.id"),
        ("{first_seen: {fields: [x]}}", "is missing", "90d"),
        ("{change: {keys: [x]}}", "names no field", "position.new"),
        ("{change: 7}", "must be a map", "for example"),
        ("{change: {field: x}, first_seen: {fields: [x], within: 9d}}", "in one rule", "two rules"),
    ],
)
def test_what_a_rule_over_one_event_cannot_ask(almenara: str, what: str, cure: str) -> None:
    single = BASE.split("---")[0].replace("name: a", "name: n").replace("id: 1", "id: 9")
    found = fault(f"{single}almenara: {almenara}")
    assert what in found.what
    assert cure in found.cure


def test_a_circle_of_correlations_is_named() -> None:
    documents = [
        correlation(f"  type: event_count\n  rules: [{of}]\n  condition: {{gte: 2}}\n", name=name)
        for name, of in (("x", "z"), ("y", "x"), ("z", "y"))
    ]
    assert "x -> z -> y -> x" in fault(*documents).what
    itself = correlation("  type: event_count\n  rules: [d]\n  condition: {gte: 2}\n")
    assert "d -> d" in fault(itself).what
