"""Drafts and the stamp: bounds, reasons, ids, flags."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.errors import Rejected
from almenara.ingest.draft import MAX_QUOTE, Draft, cut_quote, stamp

NOW = datetime(2026, 1, 11, 17, tzinfo=UTC)


def draft(**changes: Any) -> Draft:
    given: dict[str, Any] = {
        "id": "a",
        "source": "s",
        "type": "meeting.held",
        "time": NOW,
        "countries_key": ("PER",),
        **changes,
    }
    return Draft(**given)


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"a": found}
    return found


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("missing_id", {"id": "  "}),
        ("missing_id", {"source": ""}),
        ("missing_id", {"id": "a\nb"}),
        ("missing_id", {"subject": "a\x00b"}),
        ("unknown_type", {"type": "meeting.hold"}),
        ("unknown_type", {"type": "tick"}),
        ("unknown_type", {"type": "alert.retract"}),
        ("bad_time", {"time": datetime(2026, 1, 1)}),  # noqa: DTZ001 - the point
        ("bad_time", {"until": NOW}),
        ("bad_time", {"recorded": datetime(2026, 1, 1)}),  # noqa: DTZ001 - the point
        ("bad_time", {"time": datetime.max.replace(tzinfo=UTC)}),
        ("bad_country", {"countries_key": ()}),
        ("bad_country", {"countries_key": ("per",)}),
        ("bad_country", {"countries_key": ("PER", "PE")}),
        ("bad_country", {"countries_key": ("PER\n",)}),
        ("bad_country", {"data": {"countries": {"actor": ["Peru"]}}}),
        ("bad_country", {"data": {"countries": {"actor": "PER"}}}),
        ("bad_country", {"data": {"countries": ["PER"]}}),
        ("too_large", {"data": {"title": "a" * 5_000_000}}),
        ("too_large", {"data": {"text": "a" * 301}}),
        ("too_large", {"data": {"quote": {"text": "a" * 301}}}),
        ("too_large", {"id": "a" * 201}),
        ("not_finite", {"data": {"a": [{"b": math.nan}]}}),
        ("not_finite", {"data": {"a": math.inf}}),
        ("bad_data", {"data": {"a": NOW}}),
        ("bad_data", {"data": {"a": 10**5000}}),
        ("bad_data", {"data": {1: "a"}}),
        ("bad_data", {"data": {"a": "\ud800"}}),
        ("bad_data", {"data": [1]}),
        ("bad_data", {"data": nested(5000)}),
    ],
)
def test_a_bad_draft_is_rejected_with_a_stable_reason(reason: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        stamp(draft(**changes), NOW)
    assert caught.value.reason == reason
    assert len(caught.value.detail) < 400


def test_the_largest_that_is_taken() -> None:
    [event] = stamp(draft(data={"text": "a" * MAX_QUOTE, "title": "b" * 60_000}), NOW)
    assert event.data["text"] == "a" * 300


def test_one_country_keeps_the_id() -> None:
    [event] = stamp(draft(), NOW)
    assert (event.id, event.observation, event.recorded) == ("a", "", NOW)


def test_several_countries_share_the_observation() -> None:
    events = stamp(draft(countries_key=("PER", "CHL", "PER")), NOW)
    assert [(e.id, e.country, e.observation) for e in events] == [("a@PER", "PER", "a"), ("a@CHL", "CHL", "a")]


def test_an_empty_id_follows_from_the_content_and_not_from_when_it_was_read() -> None:
    [first] = stamp(draft(id=""), NOW)
    [again] = stamp(draft(id="", recorded=NOW + timedelta(days=3)), NOW)
    [other] = stamp(draft(id="", data={"a": 1}), NOW)
    assert first.id == again.id != other.id
    [undated] = stamp(draft(id="", time=datetime(2099, 1, 1, tzinfo=UTC)), NOW)
    [later] = stamp(draft(id="", time=datetime(2099, 1, 1, tzinfo=UTC), recorded=datetime(2099, 1, 1, tzinfo=UTC)), NOW)
    assert undated.id == later.id


def test_a_date_in_the_future_is_kept_and_flagged() -> None:
    [near] = stamp(draft(time=NOW + timedelta(days=1)), NOW)
    [far] = stamp(draft(time=datetime(2099, 1, 1, tzinfo=UTC), data={"flags": ["odd"]}), NOW)
    assert "flags" not in near.data
    assert far.data["flags"] == ["future", "odd"]


def test_times_become_utc() -> None:
    lima = datetime.fromisoformat("2026-01-05T10:08:00-05:00")
    [event] = stamp(draft(time=lima), NOW)
    assert event.time.isoformat() == "2026-01-05T15:08:00+00:00"


@given(st.text())
def test_a_cut_quote_is_always_taken(text: str) -> None:
    quote = cut_quote(text)
    assert len(quote) <= MAX_QUOTE
    assert len(cut_quote("palabra " * 200)) > MAX_QUOTE - 20
