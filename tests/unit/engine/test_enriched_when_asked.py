"""An event is enriched when a rule may hold for it, and the rules that may hold are those of the enriched event."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.ruleset import Content, build

NOW = datetime(2030, 3, 1, tzinfo=UTC)
LISTS = {
    "watchlists/people.csv": "id,name,aliases\np-1,José Ñandú,Pepe\np-2,Ana Quispe,\n",
    "lexicons/hostile.csv": "term,weight\npepe,0.5\nx,0.25\n",
}
NAMES = st.sampled_from(["Pepe", "ANA QUISPE", "p-1", "somebody", "x", ""])
PATHS = st.sampled_from(
    ["x", "id", "a", "a.id", "a.name", "a.b.id", "title", "mentioned", "mentioned.id", "rhetoric.usa.score", "idx.x"]
)
WANTED = st.one_of(
    st.builds(lambda path, value: {path: value}, PATHS, NAMES),
    st.builds(lambda path, value: {f"{path}|contains": value}, PATHS, NAMES.filter(bool)),
    st.builds(lambda path, wanted: {f"{path}|exists": wanted}, PATHS, st.booleans()),
    st.builds(lambda path: {f"{path}|expand": "%people%"}, PATHS),
    st.builds(lambda path: {f"{path}|gte": 0.1}, PATHS),
    st.builds(lambda word: [word], NAMES.filter(bool)),
)
CONDITIONS = st.sampled_from(["a", "a and b", "a or b", "a and not b", "not a"])
NAMED = st.fixed_dictionaries({}, optional={"name": NAMES, "id": st.sampled_from(["", None, "p-9", []]), "x": NAMES})
NESTED = st.one_of(NAMED, st.lists(NAMED, max_size=2), st.builds(lambda inner: {"b": inner}, NAMED), NAMES)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "x": NAMES,
        "id": NAMES,
        "name": NAMES,
        "a": NESTED,
        "title": NAMES,
        "text": NAMES,
        "target": st.just({"country": "USA"}),
        "mentioned": st.lists(NAMED, max_size=1),
        "rhetoric": st.just({"usa": {"score": 0.9}}),
    },
)


@settings(max_examples=300, deadline=None)
@given(
    rules=st.lists(st.tuples(WANTED, WANTED, CONDITIONS), min_size=1, max_size=4),
    events=st.lists(st.tuples(st.sampled_from(["article.published", "statement.made", "x"]), DATA), max_size=6),
)
def test_the_same_rules_are_asked(rules: list[tuple[Any, Any, str]], events: list[tuple[str, dict[str, Any]]]) -> None:
    same_are_asked(rules, events)


def test_what_only_the_enricher_writes_is_seen() -> None:
    article = ("article.published", {"title": "Pepe", "a": {"name": "Pepe"}})
    for wanted in ({"mentioned|exists": True}, {"mentioned.name": "José Ñandú"}, {"a.id": "p-1"}, ["p-1"]):
        assert same_are_asked([(wanted, {"x": "x"}, "a")], [article]) == 1
    assert same_are_asked([({"title": "Pepe"}, {"mentioned.id": "p-1"}, "a and b")], [article]) == 1


def same_are_asked(rules: list[tuple[Any, Any, str]], events: list[tuple[str, dict[str, Any]]]) -> int:
    """How many rules were asked, which are the same for an event that is enriched first."""
    count = 0
    documents = {
        f"rules/{number}.yml": json.dumps(
            {
                "title": f"t{number}",
                "name": f"t{number}",
                "logsource": {"product": "almenara"},
                "detection": {"a": first, "b": second, "condition": condition},
            }
        )
        for number, (first, second, condition) in enumerate(rules)
    }
    made = build(Content({**documents, **LISTS}))
    for type_, data in events:
        event = Event(id="1", source="t", type=type_, time=NOW, recorded=NOW, country="XAL", data=data)
        enriched = made.enricher.enrich(event)
        found, asked = made.matcher.asked(event, made.enricher.enrich)
        assert [rule.name for rule, _ in asked] == [rule.name for rule, _ in made.matcher.candidates(enriched)]
        assert found in ((enriched,) if asked else (event, enriched))
        count += len(asked)
    return count
