"""An event as rules see it: dotted paths, lists, the envelope."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.event import Event
from almenara.engine.view import View, local, lookup

NIGHT = datetime(2030, 3, 2, 3, 30, tzinfo=UTC)  # still 1 March in Lima


def view(data: dict[str, Any], *, plain: bool = False, country: str = "PER", subject: str = "") -> View:
    event = Event(
        id="e-1",
        source="s",
        type="meeting.held",
        time=NIGHT,
        recorded=NIGHT,
        country=country,
        data=data,
        subject=subject,
    )
    return View(event, {"PER": "America/Lima"}, plain=plain)


@pytest.mark.parametrize(
    ("data", "path", "wanted"),
    [
        ({"a": {"b": 1}}, "a.b", (1,)),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", (1,)),
        ({"a": {"b.c": 1, "b": {"c": 2}}}, "a.b.c", (1,)),
        ({"a.b": {"c": 1}, "a": {"b": {"c": 2}}}, "a.b.c", (1,)),
        ({"a.b": {"x": 1}, "a": {"b": {"c": 2}}}, "a.b.c", (2,)),
        ({"a.b.c": 0, "a.b": {"c": 1}}, "a.b.c", (0,)),
        ({"a": [1, 2]}, "a", (1, 2)),
        ({"a": [1, [2, [3]]]}, "a", (1, 2, 3)),
        ({"a": [{"b": 1}, {"b": [2, 3]}, {"c": 4}, 5]}, "a.b", (1, 2, 3)),
        ({"a": [[{"b": 1}], {"b": 2}]}, "a.b", (1, 2)),
        ({"a": {"b": {"c": 1}}}, "a.b", ({"c": 1},)),
        # absent, empty and null are three things
        ({}, "a", ()),
        ({"a": {}}, "a.b", ()),
        ({"a": 1}, "a.b", ()),
        ({"a": None}, "a.b", ()),
        ({"a": None}, "a", (None,)),
        ({"a": ""}, "a", ("",)),
        ({"a": []}, "a", ()),
        ({"a": [None]}, "a", (None,)),
        ({"a": [{}, {"b": None}]}, "a.b", (None,)),
        # odd paths
        ({"a": 1}, "", ()),
        ({"": 1}, "", (1,)),
        ({".": 1}, ".", (1,)),
        ({"a": {"": 1}}, "a.", (1,)),
        ({"a..b": 1}, "a..b", (1,)),
    ],
    ids=str,
)
def test_a_path(data: dict[str, Any], path: str, wanted: tuple[Any, ...]) -> None:
    assert view(data).values(path) == wanted
    assert lookup(data, path) == wanted


def test_first_passes_over_null() -> None:
    assert view({"a": [None, 0, 1]}).first("a") == 0
    assert view({"a": [None]}).first("a") is None
    assert view({}).first("a") is None


def test_the_envelope() -> None:
    seen = view({}, subject="a title")
    for name, value in (("id", "e-1"), ("source", "s"), ("type", "meeting.held"), ("country", "PER")):
        assert seen.values(f"ce.{name}") == (value,)
    assert seen.values("ce.subject") == ("a title",)
    assert view({}).values("ce.subject") == ()
    assert seen.values("ce.position") == seen.values("ce.nothing") == ()


def test_a_day_is_a_day_of_the_country() -> None:
    assert view({}).values("ce.day") == ("2030-03-01",)
    assert view({}, country="XAL").values("ce.day") == ("2030-03-02",)
    assert local(NIGHT, "America/Lima").hour == 22


def test_a_plain_event_has_no_envelope() -> None:
    assert view({"ce.type": "x"}, plain=True).values("ce.type") == ("x",)
    assert view({}, plain=True).values("ce.type") == ()


def test_data_cannot_speak_for_the_envelope() -> None:
    assert view({"ce.country": "USA", "ce": {"country": "USA"}}).values("ce.country") == ("PER",)


keys = st.text("abc", min_size=1, max_size=2)


@given(st.lists(keys, min_size=1, max_size=4), st.integers())
def test_any_nesting_answers_its_path(path: list[str], value: int) -> None:
    nested: Any = value
    for key in reversed(path):
        nested = {key: nested}
    dotted = ".".join(path)
    assert lookup(nested, dotted) == (value,)
    assert lookup([nested, {}], dotted) == (value,)
    assert lookup({**nested, dotted: value + 1}, dotted) == (value + 1,)


@given(st.recursive(st.none() | st.integers(), lambda i: st.lists(i) | st.dictionaries(keys, i), max_leaves=9), keys)
def test_no_data_is_too_odd(data: Any, path: str) -> None:
    for value in lookup(data, f"{path}.{path}"):
        assert not isinstance(value, list)
