"""The sieve lets every rule through that holds: compared with plain evaluation on random rules and events."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.matching.witness import witness_of
from almenara.engine.rule import SingleRule
from almenara.engine.ruleset import Content, Ruleset, build
from almenara.engine.view import View
from case_run import shipped

NOW = datetime(2030, 3, 1, tzinfo=UTC)
LIST = "id,name,aliases\np-1,José Ñandú,Pepe|J. Ñ.\nÉ-2,Straße,\n"
TEXTS = st.sampled_from(
    ["a", "A", "b", "straße", "STRASSE", "Straße", "pepe", "p-1", "P-1", "é-2", "É-2", "", "5", "ſ", "s", "ŉ"]
)
FIELDS = st.sampled_from(["x", "y", "z.w"])
VALUES = st.one_of(
    TEXTS, st.sampled_from([5, 5.0, True, None, "a*", "*b", "?"]), st.lists(TEXTS, min_size=1, max_size=3)
)
PLAIN = st.dictionaries(FIELDS, VALUES, min_size=1, max_size=2)
MODIFIED = st.dictionaries(
    st.builds(str.__add__, FIELDS, st.sampled_from(["|contains", "|cased", "|startswith"])),
    st.sampled_from(["a", "A", "straße", "P-1"]),
    min_size=1,
    max_size=2,
)
SELECTION = st.one_of(PLAIN, PLAIN, MODIFIED)
LISTED = st.builds(lambda field: {f"{field}|expand": "%people%"}, FIELDS)
SELECTIONS = st.one_of(SELECTION, LISTED, st.lists(SELECTION, min_size=1, max_size=2))
CONDITIONS = st.sampled_from(
    ["a", "not a", "a and b", "a or b", "a and not b", "not (a or b)", "1 of them", "all of them"]
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "x": st.one_of(TEXTS, st.sampled_from([5, True, None]), st.lists(TEXTS, max_size=2)),
        "y": TEXTS,
        "z": st.one_of(TEXTS, st.fixed_dictionaries({"w": TEXTS})),
    },
)


def ruleset(rules: list[tuple[Any, Any, str]]) -> Ruleset:
    documents = [
        {
            "title": f"t{number}",
            "name": f"t{number}",
            "logsource": {"product": "almenara"},
            "detection": {"a": first, "b": second, "condition": condition},
        }
        for number, (first, second, condition) in enumerate(rules)
    ]
    files = {f"rules/{number}.yml": json.dumps(document) for number, document in enumerate(documents)}
    return build(Content({**files, "watchlists/people.csv": LIST}))


def agree(made: Ruleset, event: Event) -> list[int]:
    names = [rule.name for rule in made.rules if isinstance(rule, SingleRule)]
    view = View(made.enricher.enrich(event), made.zones)
    holding = [number for number, name in enumerate(names) if made.matcher.conditions[name].holds(view)]
    passing = [names.index(rule.name) for rule, _ in made.matcher.candidates(view.event)]
    assert set(holding) <= set(passing)
    assert passing == sorted(passing)
    return passing


@settings(max_examples=400, deadline=None)
@given(rules=st.lists(st.tuples(SELECTIONS, SELECTIONS, CONDITIONS), min_size=1, max_size=4), data=DATA)
def test_no_rule_that_holds_is_held_back(rules: list[tuple[Any, Any, str]], data: dict[str, Any]) -> None:
    agree(ruleset(rules), Event(id="1", source="t", type="x", time=NOW, recorded=NOW, country="XAL", data=data))


def test_rules_that_want_other_values_are_held_back() -> None:
    made = ruleset(
        [
            ({"x": "a"}, {"y": "b"}, "a and b"),
            ({"x": ["b", "c"]}, {"y": "q"}, "a or b"),
            ({"x|contains": "a"}, {"y": "b"}, "a"),
        ]
    )
    event = Event(id="1", source="t", type="x", time=NOW, recorded=NOW, country="XAL", data={"x": "zz", "y": "zz"})
    assert agree(made, event) == [2]  # a pattern has no witness


def test_every_shipped_rule_but_the_open_ones_has_a_witness() -> None:
    open_ = {
        rule.name
        for rule in shipped().ruleset.rules
        if isinstance(rule, SingleRule) and not witness_of(rule.expression, shipped().ruleset.lists)
    }
    assert open_ == {"register_entry", "policy_shift"} - {"policy_shift"}
