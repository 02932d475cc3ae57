"""The page behind "why": what it tells of an absence, in both languages; and that no data of an event breaks it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from almenara.console.account import account_of, card_of
from almenara.console.words import voice_of
from almenara.domain.alert import AlertChanged, Change, Matched, Reason, State
from almenara.domain.notice import DeliveryState
from almenara.ports.query import AlertView, Told
from told import absence, at, evidence

ENGLISH, SPANISH = voice_of("en", "America/Lima"), voice_of("es", "America/Lima")
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.just("name"), inner, max_size=4)
    ),
    max_leaves=12,
)


def view(**more: Any) -> AlertView:
    alert = absence(**more)
    raised = AlertChanged(
        id="c", change=Change.RAISED, reason=Reason.DETECTED, at=alert.raised_at, cause="events/1/20", alert=alert
    )
    told = Told(change=Change.RAISED, via="mail", state=DeliveryState.DELIVERED, at=at("2026-01-12 07:01"))
    return AlertView(changes=(raised,), told=(told,), country="Peru")


def text_of(found: AlertView, voice: Any) -> str:
    parts = account_of(found, voice)
    return "\n".join(
        line for part in parts for item in part.items for line in (part.title, item.head, item.place, *item.lines)
    )


def test_an_absence_says_what_was_searched_and_when_it_was_read() -> None:
    text = text_of(view(), ENGLISH)
    for said in (
        "window: 25 Dec 2025 12:00 (Lima) – 28 Dec 2025 12:00 (Lima)",
        "read 12 Jan 2026 00:30 (Lima): new; 212 rows",
        "events/1/212",
        "nearest entry: 29 Dec 2025 09:20 (Lima)",
        "cn_contacts: Zhihua Yang, private, press: Chinese businessman",
        "unregistered_meeting · version 3",
        "happened 26 Dec 2025",
        "12 Jan 2026 02:01 (Lima): raised",
        "delivered",
    ):
        assert said in text
    assert "cubre 30 nov 2025 19:00 (Lima)" in text_of(view(), SPANISH)


def test_the_card_says_the_claim() -> None:
    card = card_of(view(), SPANISH)
    assert (card.level_word, card.state) == ("ALTA", "abierta")
    assert card.title.startswith("Sin registro hallado")


def test_what_could_not_be_checked_is_never_told_as_an_absence() -> None:
    card = card_of(view(checked=False), ENGLISH)
    assert card.title == "Could not be checked: unregistered_meeting"
    assert "nobody has looked" in card.caution
    said = {"en": "Could not be checked: a meeting", "es": "No se pudo comprobar: una reunión"}
    assert card_of(view(checked=False, title=said), SPANISH).title == said["es"]


def test_what_the_alert_does_not_prove_is_said() -> None:
    assert "not evidence of wrongdoing" in card_of(view(), ENGLISH).caution
    assert "nada se concluye" in card_of(view(state=State.RETRACTED), SPANISH).caution
    assert "sources report it" in card_of(view(search=None), ENGLISH).caution


def test_what_they_may_not_know_is_left_out() -> None:
    hidden = replace(view(), hidden=True)
    text = text_of(hidden, ENGLISH) + card_of(hidden, ENGLISH).title
    assert "Yang" not in text
    assert "events/1/212" not in text
    assert "raised" in text


@settings(max_examples=200, deadline=None)
@given(ANY, ANY, ANY)
def test_data_of_any_shape_is_told_or_left_out(summary: Any, sources: Any, value: Any) -> None:
    event = evidence(data={"summary": summary, "sources": sources})
    found = view(events=(event,), key={"k": value}, matched=(Matched(field="f", value=value),), title={"en": "x"})
    for voice in (ENGLISH, SPANISH):
        for line in text_of(found, voice).splitlines():
            assert len(line) < 2_000


@pytest.mark.parametrize("moment", ["0001-01-01 00:00", "9999-12-31 23:59"])
def test_the_ends_of_the_calendar(moment: str) -> None:
    text_of(view(events=(evidence(time=at(moment), recorded=at(moment)),)), ENGLISH)
    text_of(view(events=(evidence(time=at(moment), recorded=at(moment)),)), voice_of("en", "Pacific/Kiritimati"))
