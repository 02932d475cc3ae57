"""Entries of feeds into drafts; dates; the reading itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from almenara.domain.errors import Rejected
from almenara.ingest.checked import Previous
from almenara.ingest.draft import MAX_QUOTE, stamp
from almenara.ingest.feed import FeedReading, failed_feed, language_of, plain_text, read_feed
from almenara.ingest.feed_dates import read_date
from almenara.ingest.sources import SourceSpec
from almenara.ports.source import Fetched

AT = datetime(2026, 1, 11, 17, tzinfo=UTC)
SPEC = SourceSpec(
    id="xal_press", kind="feed", url="https://x.example/rss", country="XAL", language="es", zone="America/Lima"
)
PREVIOUS = Previous(covers=(AT - timedelta(hours=2), AT - timedelta(hours=1)), sha256="aa", rows=10)


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": "g-1",
        "link": "https://x.example/1",
        "title": "Official A &amp; Contact B",
        "summary": "<p>They <b>met</b>.</p>",
        "published": "Mon, 05 Jan 2026 10:08:00 -0500",
        **changes,
    }


def reading(*entries: Any, sha256: str = "bb", previous: Previous | None = None, feed: Any = None) -> FeedReading:
    parsed = {"feed": {"title": "The Example", "language": "es-XA"} if feed is None else feed, "entries": entries}
    return read_feed(SPEC, Fetched(url=SPEC.url, body=b"x", sha256=sha256), parsed, AT, previous=previous)


def test_an_entry_becomes_an_article() -> None:
    [draft] = reading(entry()).drafts
    assert draft.time == datetime(2026, 1, 5, 15, 8, tzinfo=UTC)
    assert draft.data == {
        "title": "Official A & Contact B",
        "summary": "They met .",
        "link": "https://x.example/1",
        "language": "es",
        "outlet": "The Example",
        "reliability": "F",
    }
    [event] = stamp(draft, AT)
    assert (event.type, event.country, event.recorded) == ("article.published", "XAL", AT)


def test_what_comes_from_a_confidential_source_says_so() -> None:
    parsed = {"feed": {}, "entries": (entry(),)}
    [draft] = read_feed(replace(SPEC, tlp="AMBER"), Fetched(url=SPEC.url, body=b"x", sha256="bb"), parsed, AT).drafts
    assert draft.data["tlp"] == "AMBER"


def test_the_same_item_is_the_same_event_and_another_is_not() -> None:
    [a], [b], [c], [d] = (reading(e).drafts for e in (entry(), entry(title="New"), entry(id="g-2"), entry(link="")))
    assert a.id == b.id
    assert len({a.id, c.id, d.id}) == 3
    [e], [f] = (reading(entry(id="", link="", title=t)).drafts for t in ("A", "B"))
    assert e.id != f.id


def test_the_language_is_the_entrys_then_the_feeds_then_the_sources() -> None:
    made = [reading(entry(language="en-GB")), reading(entry()), reading(entry(), feed={})]
    assert [r.drafts[0].data["language"] for r in made] == ["en", "es", "es"]
    assert language_of("12") == language_of(None) == ""


def test_long_texts_are_cut() -> None:
    [draft] = reading(entry(summary="palabra " * 200, title="t" * 5_000)).drafts
    assert len(draft.data["summary"]) <= MAX_QUOTE
    assert len(draft.data["title"]) <= MAX_QUOTE


def test_markup_scripts_and_controls_are_no_text() -> None:
    assert plain_text("<script>alert(1)</script>a<style>b{}</style>\x00 &lt;i&gt;c\ud800") == "a <i>c"
    assert plain_text(None) == plain_text(3) == ""


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "https://x.example/" + "a" * 3_000])
def test_a_link_that_is_none_is_left_out_and_flagged(link: str) -> None:
    [draft] = reading(entry(link=link)).drafts
    assert "link" not in draft.data
    assert draft.data["flags"] == ["bad_link"]


@pytest.mark.parametrize(
    ("text", "moment", "flag"),
    [
        ("Mon, 05 Jan 2026 10:08:00 -0500", "2026-01-05T15:08:00", ""),
        ("Mon, 05 Jan 2026 10:08:00 GMT", "2026-01-05T10:08:00", ""),
        ("05 Jan 2026 10:08 EST", "2026-01-05T15:08:00", ""),
        ("2026-01-05T10:08:00Z", "2026-01-05T10:08:00", ""),
        ("2026-01-05T10:08:00.123-05:00", "2026-01-05T15:08:00.123000", ""),
        ("2026-01-05 10:08:00 -0500", "2026-01-05T15:08:00", ""),
        ("2026-01-05T10:08:00", "2026-01-05T15:08:00", "no_offset"),
        ("Mon, 05 Jan 2026 10:08:00", "2026-01-05T15:08:00", "no_offset"),
        ("Mon, 05 Jan 2026 10:08:00 PET", "2026-01-05T15:08:00", "no_offset"),
        ("Monday, 05-Jan-26 10:08:00 GMT", "2026-01-05T10:08:00", ""),
        ("2026-01-05", "2026-01-05T05:00:00", ""),
        ("Mon, 05 Ene 2026 10:08:00 GMT", None, "bad_date"),
        ("02/03/2026", None, "bad_date"),
        ("on", None, "bad_date"),
        ("5 de enero de 2026", None, "bad_date"),
        ("2026-13-45", None, "bad_date"),
        ("Mon, 99 Jan 2026 10:08:00 GMT", None, "bad_date"),
        ("0001-01-01T00:00:00Z", None, "bad_date"),
        ("9999-12-31T23:59:59-12:00", None, "bad_date"),
        ("", None, "no_date"),
        (None, None, "no_date"),
        (20260105, None, "no_date"),
    ],
)
def test_dates_are_iso_or_rfc_2822(text: Any, moment: str | None, flag: str) -> None:
    found = read_date(text, "America/Lima")
    assert found.flag == flag
    assert found.time == (datetime.fromisoformat(moment + "+00:00") if moment else None)


def test_a_day_is_an_interval() -> None:
    found = read_date("2026-01-05", "America/Lima")
    assert found.until == datetime(2026, 1, 6, 5, tzinfo=UTC)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{2,5} \d\d:\d\d:\d\d [-+]\d{1,6}"))
def test_no_text_raises(text: str) -> None:
    found = read_date(text)
    assert (found.time is None) == (found.flag in ("bad_date", "no_date"))


def test_a_bad_date_means_the_time_of_reading_and_a_flag() -> None:
    [draft] = reading(entry(published="soon")).drafts
    assert draft.time == AT
    assert draft.data["flags"] == ["bad_date"]


def test_a_date_in_2099_is_kept_and_flagged() -> None:
    [draft] = reading(entry(published="2099-01-01T00:00:00Z")).drafts
    [event] = stamp(draft, AT)
    assert event.time.year == 2099
    assert event.data["flags"] == ["future"]


def test_an_empty_entry_does_not_stop_the_others() -> None:
    made = reading(entry(), {}, {"title": None}, "no entry", entry(id="g-3"))
    assert len(made.drafts) == 2
    assert [error.reason for error in made.rejected] == ["empty_item", "empty_item"]


def test_the_reading_is_a_record() -> None:
    made = reading(entry()).checked
    [event] = stamp(made, AT)
    assert event.type == "source.checked"
    assert event.data == {
        "source": {"id": "xal_press"},
        "covers": {"from": "2026-01-05T15:08:00+00:00", "until": "2026-01-11T17:00:00+00:00"},
        "outcome": "new",
        "rows": 1,
        "polled": True,
        "capture": {"sha256": "bb"},
    }


@pytest.mark.parametrize(
    ("count", "sha256", "outcome"), [(10, "bb", "new"), (5, "bb", "new"), (4, "bb", "shrunk"), (10, "aa", "unchanged")]
)
def test_a_reading_beside_the_one_before(count: int, sha256: str, outcome: str) -> None:
    made = reading(*[entry(id=str(n)) for n in range(count)], sha256=sha256, previous=PREVIOUS).checked
    assert made.data["outcome"] == outcome
    assert made.data["covers"]["from"] == PREVIOUS.covers[1].isoformat()


def test_an_empty_feed_proves_nothing() -> None:
    assert reading().checked.data["outcome"] == "shrunk"


def test_not_modified_is_unchanged() -> None:
    made = read_feed(SPEC, Fetched(url=SPEC.url, unchanged=True), {}, AT, previous=PREVIOUS)
    assert made.drafts == ()
    assert (made.checked.data["outcome"], made.checked.data["rows"]) == ("unchanged", 10)


def test_a_failed_reading_says_why() -> None:
    made = failed_feed(SPEC, Rejected("entities", "the feed declares entities"), AT, previous=PREVIOUS)
    assert (made.data["outcome"], made.data["reason"]) == ("failed", "entities")
    stamp(made, AT)
