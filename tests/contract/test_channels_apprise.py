"""Any other Apprise URL: only what the operator allows, one service, no switches; and what a yes or a no means."""

import json
from collections.abc import Iterator
from email.message import Message as Headers
from pathlib import Path
from typing import Any

import pytest

from almenara.adapters.apprise import AppriseChannel
from almenara.adapters.sinks.http import Answer, HttpSink
from almenara.ports.channel import Outcome, OutcomeKind
from servers import free_port
from told import message

NO = OutcomeKind.REJECTED_PERMANENT


class JsonSink(HttpSink):
    """Takes what Apprise's `json://` posts."""

    def usual(self, path: str, headers: Headers, body: bytes, *, keep: bool) -> Answer:
        if keep:
            self.keep({"path": path, "payload": json.loads(body)})
        return Answer(body="")

    def address(self, query: str = "") -> str:
        return f"json://127.0.0.1:{self.port}/canary-7{query}"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[JsonSink]:
    with JsonSink(tmp_path / "json") as sink:
        yield sink


def send(url: str, schemas: tuple[str, ...] = ("json",), **more: Any) -> Outcome:
    return AppriseChannel(schemas, timeout_s=0.4).send(message(**more), url)


def test_a_message_arrives_once_as_plain_text(service: JsonSink) -> None:
    assert send(service.address()) == Outcome(OutcomeKind.DELIVERED, "apprise")
    [post] = service.posts()
    assert post["payload"]["title"] == message().headline
    assert "Reported: Official A met Contact B." in post["payload"]["message"]
    assert message().headline not in post["payload"]["message"]


@pytest.mark.parametrize("answer", [Answer(500), Answer(404), Answer(302), Answer(cut=True), Answer(delay_s=60)])
def test_a_no_is_unknown_for_apprise_does_not_say_why(service: JsonSink, answer: Answer) -> None:
    service.answer_with(answer)
    assert send(service.address()) == Outcome(OutcomeKind.UNKNOWN, "apprise says no", down=True)
    assert service.requests == 1


def test_nobody_there() -> None:
    assert send(f"json://127.0.0.1:{free_port()}/").kind == OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("xml://127.0.0.1:{port}/", "the schema xml is not allowed"),
        ("file:///etc/passwd", "the schema file is not allowed"),
        ("json://127.0.0.1:{port}/?verify=no", "a query key that is not allowed"),
        ("json://127.0.0.1:{port}/?redirect=yes", "a query key that is not allowed"),
        ("json://127.0.0.1:{port}/?rto=3600", "a query key that is not allowed"),
        ("json://127.0.0.1:{port}/?attach=/etc/passwd", "a query key that is not allowed"),
        ("json://127.0.0.1:{port}/?template=/etc/passwd", "a query key that is not allowed"),
        ("json://127.0.0.1:{port}/?+Authorization=x", "a query key that is not allowed"),
        ("json://127.0.0.1:{port}/?priority=1&VERIFY=no", "a query key that is not allowed"),
        ("json://127.0.0.1:{port}/,json://127.0.0.1:{port}/", "more than one URL"),
        ("json://127.0.0.1:{port}/ json://127.0.0.1:{port}/", "not an Apprise URL"),
        ("JSON://127.0.0.1:{port}/", "not an Apprise URL"),
        ("json:127.0.0.1", "not an Apprise URL"),
        ("", "not an Apprise URL"),
        ("json://?", "not a URL that Apprise knows"),
    ],
)
def test_what_the_operator_does_not_allow_is_never_reached(service: JsonSink, url: str, why: str) -> None:
    assert send(url.format(port=service.port)) == Outcome(NO, why, for_all=True)
    assert service.requests == 0


def test_one_url_is_one_recipient() -> None:
    url = "tgram://123456789:abcdefghijklmnopqrstuvwxyz012345678/11111/22222"
    assert send(url, ("tgram",)) == Outcome(NO, "more than one recipient", for_all=True)


def test_nothing_becomes_a_mention_or_a_link(service: JsonSink) -> None:
    send(service.address(), headline="🟠 @everyone <@U1>", change="see https://evil.example/ [x](http://evil.example)")
    said = json.dumps(service.posts(), ensure_ascii=False)
    assert "@" not in said
    assert "://" not in said


def test_each_delivery_is_sent_at_once_whatever_pace_a_plugin_keeps(service: JsonSink) -> None:
    assert {send(service.address()).kind for _ in range(20)} == {OutcomeKind.DELIVERED}
    assert len(service.posts()) == 20


@pytest.mark.parametrize("answer", [Answer(), Answer(500), Answer(cut=True)])
def test_the_url_gets_nowhere(
    service: JsonSink, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], answer: Answer
) -> None:
    caplog.set_level(1)
    service.answer_with(answer)
    shown = [repr(send(service.address())), repr(send(service.address("?verify=no"))), repr(AppriseChannel(["json"]))]
    assert [text for text in [*shown, caplog.text, *capfd.readouterr()] if "canary-7" in text] == []
