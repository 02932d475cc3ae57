"""The pages over HTTP with a record in memory: hostile texts, hostile forms, bounds, the headers and the statuses."""

import asyncio
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.testclient import TestClient

from almenara.console import forms
from almenara.console.forms import MAX_BODY, Unreadable, fields_of, is_one_click
from almenara.console.links import Action, LinkTo, sign
from almenara.console.pages import console_app
from almenara.domain.alert import Alert, AlertChanged, Change, Reason, State
from almenara.domain.audience import Subscriber, Target
from almenara.domain.errors import Unreachable
from almenara.ports.commands import Command
from almenara.ports.query import AlertView, Done
from told import absence, evidence

KEY = b"a key of the tests, made up"
NOW = datetime(2026, 1, 12, 12, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
HOSTILE = (
    "<script>alert(1)</script>{{ 7*7 }}{% raw %}",
    '" onload="alert(1) autofocus onfocus="x',
    "</textarea><button name=x>press</button>",
    "</style><style>*{color:red}</style>",
    "<https://evil.example|click> https://evil.example",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200b\u200f",
    "\x00\x07\x1b[31mred\x7f\x85\u2028\u2029",
    "\ud800 lone \udfff",
    "x" * 200_000,
    "word " * 40_000,
)


@dataclass
class Desk:
    """A record and a clock in one."""

    alert_: Alert = field(default_factory=absence)
    who: Subscriber = field(
        default_factory=lambda: Subscriber(
            id="ana", targets=(Target(kind="mail", via="mail", address_hash="0"),), language="en"
        )
    )
    appended: list[Command] = field(default_factory=list)
    by: str = "ana"
    down: bool = False
    used: bool = False

    def now(self) -> datetime:
        return NOW

    def reader(self, subscriber: str, via: str) -> Subscriber | None:
        if self.down:
            raise Unreachable("the database of postgresql://u:secret@db cannot be reached")
        return self.who if subscriber == self.who.id else None

    def knows(self, subscriber: str) -> bool:
        return subscriber == self.who.id

    def alert(self, uid: str, reader: Subscriber, via: str) -> AlertView | None:
        changed = AlertChanged(
            id="c", change=Change.RAISED, reason=Reason.DETECTED, at=NOW, cause="events/1/20", alert=self.alert_,
            by=self.by, note=self.by,
        )  # fmt: skip
        return AlertView(changes=(changed,), told=(), country="Peru")

    def done(self, type_: str, uid: str, alert: Alert | None) -> Done | None:
        return Done(at=NOW, by=self.by) if self.used else None

    def ended(self, subscriber: str, via: str) -> Done | None:
        return None

    def append(self, command: Command, at: datetime) -> Done | None:
        self.appended.append(command)
        return None


def link(action: Action, subscriber: str = "ana") -> str:
    alert = "" if action == Action.UNSUBSCRIBE else "u1"
    made = LinkTo(action=action, alert=alert, subscriber=subscriber, via="mail", expires=NOW + timedelta(days=1))
    return f"/l/{sign(made, KEY)}"


def browse(desk: Desk) -> TestClient:
    return TestClient(console_app(KEY, desk, desk, desk))


class Tags(HTMLParser):
    """Every tag and attribute of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.names |= {name for name, _ in attrs}


def sound(page: str) -> None:
    """Nothing in the page can act, be fetched or be read otherwise than it stands; it does not grow."""
    tags = Tags(page)
    assert not {"script", "img", "iframe", "a", "link", "object", "svg"} & set(tags.found)
    assert tags.found.count("style") == 1
    assert tags.found.count("button") <= 1
    assert not {name for name in tags.names if name.startswith("on")} | {"style", "src", "href"} & tags.names
    assert not any(unicodedata.category(char) in ("Cf", "Cs") for char in page)
    assert len(page) < 100_000


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("action", Action)
def test_nothing_in_an_alert_or_a_name_acts(action: Action, text: str) -> None:
    data = {"summary": {"en": text}, "sources": [{"name": text}, text], "official": {"name": text}}
    event = evidence(text, data, id=text, source=text)
    alert = absence(title={"en": text}, rule=text, cite=text, level=text, key={text: text}, events=(event,))
    for used in (False, True):
        page = browse(Desk(alert_=alert, by=text, used=used)).get(link(action))
        assert page.status_code == 200
        sound(page.text)


@pytest.mark.parametrize("text", HOSTILE[:6], ids=range(6))
def test_nothing_in_a_form_acts(text: str) -> None:
    desk = Desk()
    desk.who = Subscriber(id="ana", team=True, targets=desk.who.targets, language="es")
    answer = browse(desk).post(link(Action.JUDGE), data={"do": "it", "name": text, "note": text})
    assert answer.status_code == 400  # nothing was chosen; what was filled in is shown again
    assert not {"script", "a"} & set(Tags(answer.text).found)
    assert Tags(answer.text).found.count("button") == 1
    done = browse(desk).post(link(Action.JUDGE), data={"do": "it", "name": text, "note": text, "judgement": "true"})
    assert done.status_code == 200
    (command,) = desk.appended
    assert command.data["by"].endswith(" (ana)")
    assert not any(
        unicodedata.category(char) in ("Cf", "Cc", "Cs") for char in command.data["by"] + command.data["note"]
    )


def test_long_texts_are_refused_not_cut() -> None:
    desk = Desk()
    client = browse(desk)
    for wrong in ({"note": "x" * 301}, {"note": "ñ" * 301}):
        answer = client.post(link(Action.ACKNOWLEDGE), data={"do": "it", **wrong})
        assert answer.status_code == 400
        assert "longer than 300" in answer.text
    assert client.post(link(Action.ACKNOWLEDGE), data={"do": "it", "note": "ñ" * 300}).status_code == 200
    assert desk.appended[0].data["note"] == "ñ" * 300
    desk.who = Subscriber(id="ana", team=True, targets=desk.who.targets, language="en")
    assert client.post(link(Action.ACKNOWLEDGE), data={"do": "it", "name": "x" * 81}).status_code == 400
    assert len(desk.appended) == 1


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (FORM, b"x" * (MAX_BODY + 1), 413),
        (FORM, b"note=" + b"x" * 200_000, 413),
        (FORM, b"", 400),
        (FORM, b"do=it&" * 40, 400),
        (FORM, b"do=it&note=%FF", 400),
        (FORM, b"\xff\xfe", 400),
        (FORM, b"do=other", 400),
        ("application/json", b'{"do": "it"}', 415),
        ("", b"do=it", 415),
        ("multipart/form-data", b"do=it", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--", 400),
    ],
)
def test_a_body_that_is_no_form_records_nothing(kind: str, body: bytes, status: int) -> None:
    desk = Desk()
    for action in (Action.ACKNOWLEDGE, Action.UNSUBSCRIBE):
        answer = browse(desk).post(link(action), content=body, headers={"Content-Type": kind})
        assert answer.status_code == status
        assert "Nothing was recorded" in answer.text
    assert desk.appended == []


def test_a_body_without_a_length_is_bounded_too() -> None:
    def endless() -> Any:
        for _ in range(1000):
            yield b"x" * 1000

    desk = Desk()
    answer = browse(desk).post(link(Action.ACKNOWLEDGE), content=endless(), headers={"Content-Type": FORM})
    assert answer.status_code == 413
    assert desk.appended == []


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([FORM, "multipart/form-data; boundary=b", "text/plain"]) | st.text(max_size=40),
    st.binary(max_size=300),
)
def test_any_body_is_read_or_refused(kind: str, body: bytes) -> None:
    for whole in (body, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + body + b"\r\n--b--\r\n"):
        found: object = ""
        try:
            found = fields_of(kind, whole)
        except Unreadable as error:
            found = error.status
        assert isinstance(found, dict) or found in (400, 415)


def test_one_click_in_both_spellings() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    assert is_one_click(fields_of("multipart/form-data; boundary=b", part))
    assert is_one_click(fields_of(FORM, b"List-Unsubscribe=One-Click"))
    assert not is_one_click(fields_of(FORM, b"List-Unsubscribe=One"))


def test_a_record_that_cannot_be_reached_is_told_without_its_address() -> None:
    for answer in (
        browse(Desk(down=True)).get(link(Action.WHY)),
        browse(Desk(down=True)).post(link(Action.MUTE), data={"do": "it"}),
    ):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert "secret" not in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_link_of_somebody_else_is_bound_to_them() -> None:
    desk = Desk()
    assert browse(desk).get(link(Action.ACKNOWLEDGE, "ben")).status_code == 410
    assert browse(desk).post(link(Action.ACKNOWLEDGE, "ben"), data={"do": "it"}).status_code == 410
    assert desk.appended == []


def test_the_id_of_what_is_done_follows_from_the_link_alone() -> None:
    desk = Desk()
    client = browse(desk)
    for note in ("a", "b"):
        client.post(link(Action.ACKNOWLEDGE), data={"do": "it", "note": note})
    assert len({command.id for command in desk.appended}) == 1
    assert re.fullmatch("[0-9a-z]{26}", desk.appended[0].id)
    assert desk.appended[0].id not in link(Action.ACKNOWLEDGE)


@pytest.mark.parametrize("state", [State.RESOLVED, State.RETRACTED])
def test_what_is_closed_can_be_judged_and_nothing_else(state: State) -> None:
    desk = Desk(alert_=absence(state=state))
    for action in (Action.ACKNOWLEDGE, Action.MUTE):
        assert browse(desk).post(link(action), data={"do": "it"}).status_code == 409
    assert browse(desk).post(link(Action.JUDGE), data={"do": "it", "judgement": "unclear"}).status_code == 200
    assert [command.type for command in desk.appended] == ["alert.judge"]


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive() -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(forms, "READ_FOR_S", 0.05)
    request = Request({"type": "http", "method": "POST", "headers": [(b"content-type", FORM.encode())]}, receive)
    with pytest.raises(Unreadable) as caught:
        await forms.read_fields(request)
    assert caught.value.status == 408
