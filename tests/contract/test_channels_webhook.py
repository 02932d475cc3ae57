"""The signed webhook that goes out, against a receiver that checks signatures with the library."""

import base64
import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from almenara.adapters.http.hook import HookChannel
from almenara.adapters.http.post import Poster
from almenara.adapters.sinks.hook import Answer, HookSink
from almenara.app.secrets import Secret
from almenara.domain.errors import Refused
from almenara.notifier.words.compose import compose
from almenara.ports.channel import Outcome, OutcomeKind
from servers import free_port
from told import absence, message, notice

SECRET = "whsec_" + base64.b64encode(b"made up, thirty-two bytes long..").decode()
OTHER = "whsec_" + base64.b64encode(b"another, thirty-two bytes long..").decode()
HERE = (ip_network("127.0.0.0/8"),)
RETRY, NO, UNKNOWN = OutcomeKind.RETRY_AFTER, OutcomeKind.REJECTED_PERMANENT, OutcomeKind.UNKNOWN


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[HookSink]:
    with HookSink(tmp_path / "hooks", SECRET) as sink:
        yield sink


def channel(secret: str = SECRET, *, timeout_s: float = 5.0) -> HookChannel:
    return HookChannel("erp", Secret(secret), Poster(timeout_s=timeout_s, private=HERE))


def test_the_receiver_gets_the_message_field_by_field(receiver: HookSink) -> None:
    told = compose(notice(absence(), language="es"), possible_duplicate=True)
    assert channel().send(told, receiver.url()) == Outcome(OutcomeKind.DELIVERED, "webhook 204")
    [post] = receiver.posts()
    assert (post["id"], post["payload"]["type"]) == (told.id, "alert.message")
    data = post["payload"]["data"]
    assert (data["headline"], data["cite"], data["mark"], data["update"]) == (
        told.headline,
        "ALM-4K7Q-9XTD",
        told.mark,
        False,
    )
    assert [p["text"] for p in data["paragraphs"]] == [p.text for p in told.paragraphs]
    assert not {"handle", "unsubscribe"} & data.keys()


def test_the_id_and_the_body_are_the_same_at_every_attempt(receiver: HookSink) -> None:
    receiver.answer_with(Answer(500, keep=True))
    for _ in range(2):
        channel().send(message(id="dlv2", thread="dlv1"), receiver.url())
    first, second = receiver.posts()
    assert receiver.ids == ["dlv2", "dlv2"]
    assert first == second
    assert first["payload"]["data"]["update"] is True


def test_another_secret_signs_nothing_that_holds(receiver: HookSink) -> None:
    assert channel(OTHER).send(message(), receiver.url()) == Outcome(RETRY, "webhook 401", down=True)
    assert (receiver.forged, receiver.posts()) == (1, [])


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (Answer(200, "anything"), Outcome(OutcomeKind.DELIVERED, "webhook 200")),
        (Answer(202), Outcome(OutcomeKind.DELIVERED, "webhook 202")),
        (Answer(410), Outcome(NO, "webhook 410", for_all=True)),
        (Answer(429, "", {"Retry-After": "9"}), Outcome(RETRY, "webhook 429", retry_after_s=9.0)),
        (Answer(503, "", {"Retry-After": "9"}), Outcome(RETRY, "webhook 503", retry_after_s=9.0, down=True)),
        (Answer(429), Outcome(RETRY, "webhook 429")),
        (Answer(400, "OK"), Outcome(RETRY, "webhook 400", down=True)),
        (Answer(404), Outcome(RETRY, "webhook 404", down=True)),
        (Answer(500, "OK"), Outcome(UNKNOWN, "webhook 500", down=True)),
        (Answer(504), Outcome(UNKNOWN, "webhook 504", down=True)),
        (Answer(cut=True), Outcome(UNKNOWN, "webhook broke off (ProtocolError)", down=True)),
    ],
)
def test_each_answer_has_its_outcome(receiver: HookSink, answer: Answer, wanted: Outcome) -> None:
    receiver.answer_with(answer)
    assert channel().send(message(), receiver.url()) == wanted
    assert receiver.requests == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver: HookSink, status: int) -> None:
    receiver.answer_with(Answer(status, "", {"Location": receiver.url("elsewhere")}))
    assert channel().send(message(), receiver.url()) == Outcome(RETRY, f"webhook {status}", down=True)
    assert receiver.requests == 1


def test_a_silence_is_unknown_for_it_may_have_been_taken(receiver: HookSink) -> None:
    receiver.answer_with(Answer(delay_s=60))
    outcome = channel(timeout_s=0.4).send(message(), receiver.url())
    assert outcome == Outcome(UNKNOWN, "webhook timed out", down=True)
    assert receiver.ids == ["dlv1"]


def test_nobody_there() -> None:
    outcome = channel().send(message(), f"http://127.0.0.1:{free_port()}/x")
    assert outcome == Outcome(RETRY, "webhook not reached, broke off (NewConnectionError)", down=True)


def test_an_unknown_name() -> None:
    outcome = channel().send(message(), "https://nobody.invalid/x")
    assert outcome == Outcome(RETRY, "webhook not reached, unknown name", down=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://10.0.0.1/",
    ],
)
def test_inside_addresses_are_refused_unless_the_operator_allows_them(receiver: HookSink, url: str) -> None:
    outcome = HookChannel("erp", Secret(SECRET), Poster()).send(message(), url.format(port=receiver.port))
    assert outcome == Outcome(NO, "webhook no public address", for_all=True)
    assert receiver.requests == 0


@pytest.mark.parametrize(
    "url", ["", "ftp://example.org/", "https://u:p@example.org/", "https://", "https://a\nb/", "http://[/"]
)
def test_what_is_no_web_address_is_never_posted_to(url: str) -> None:
    assert channel().send(message(), url) == Outcome(NO, "webhook not an http address", for_all=True)


@pytest.mark.parametrize("secret", ["", "short", "whsec_shortish", "whsec_!!!!", "x" * 200])
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(Refused) as error:
        channel(secret)
    assert not secret or secret not in str(error.value)


@pytest.mark.parametrize("answer", [Answer(), Answer(410), Answer(500, SECRET), Answer(cut=True), Answer(delay_s=60)])
def test_neither_secret_nor_address_gets_anywhere(
    receiver: HookSink, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], answer: Answer
) -> None:
    caplog.set_level(1)
    receiver.answer_with(answer)
    sending = channel(timeout_s=0.4)
    outcome = sending.send(message(), receiver.url("canary-7"))
    shown = [repr(sending), repr(outcome), caplog.text, *capfd.readouterr()]
    key = SECRET.removeprefix("whsec_")
    assert [text for text in shown if key in text or "canary-7" in text] == []
    assert key not in json.dumps(receiver.posts())
