"""The signed webhook on a real server: signatures, replays, bounds; what is wrong with one event leaves the others."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from standardwebhooks.webhooks import Webhook

from almenara.adapters.http.signatures import Signatures, UsedIds
from almenara.adapters.http.webhook import webhook_app
from almenara.domain.errors import Refused
from almenara.ingest.intake import EventIntake
from almenara.ports.log import EVENTS, REJECTED
from small_log import SmallLog

SECRET = "whsec_" + "bWFkZS11cC1zZWNyZXQtb2YtdGhlLXRlc3Rz"
JSON = "application/cloudevents+json"


class Hidden:
    """A secret that prints masked."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Hook:
    """The running server and how to call it."""

    def __init__(self, port: int, log: SmallLog) -> None:
        self.port = port
        self.log = log
        self._count = 0

    def call(self, body: bytes, headers: Mapping[str, str], *, path: str = "/webhook/press") -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", path, body, {"Content-Type": JSON, **headers})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        return response.status, json.loads(text) if text.startswith(b"{") else text

    def signed(self, body: bytes, *, id_: str = "", at: datetime | None = None) -> dict[str, str]:
        self._count += 1
        id_, at = id_ or f"msg_{id(self)}_{self._count}", at or datetime.now(UTC)
        signature = Webhook(SECRET).sign(id_, at, body.decode())
        return {"webhook-id": id_, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}

    def send(self, *events: Any, **named: Any) -> tuple[int, Any]:
        body = json.dumps(events[0] if len(events) == 1 else events).encode()
        return self.call(body, self.signed(body, **named))


@pytest.fixture
def hook() -> Iterator[Hook]:
    log = SmallLog()
    app = webhook_app({"press": Hidden(SECRET)}, EventIntake(log, Now()))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield Hook(server.servers[0].sockets[0].getsockname()[1], log)
    server.should_exit = True
    thread.join(10)


def event(id_: str = "1", **changes: Any) -> dict[str, Any]:
    made = {
        "specversion": "1.0",
        "id": id_,
        "source": "desk",
        "type": "meeting.held",
        "time": "2026-01-05T10:00:00Z",
        "country": "XAL",
        "data": {"official": {"name": "Official A"}},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def test_a_signed_event_is_taken(hook: Hook) -> None:
    assert hook.send(event()) == (202, {"results": [{"id": "press:1", "status": "accepted"}]})
    assert hook.log.ids(EVENTS) == ["press:1"]


def test_each_event_of_a_batch_has_its_result(hook: Hook) -> None:
    status, answer = hook.send(event(), event(None), event("3", type="tick"), event("4", time="2099-01-01T00:00:00Z"))  # type: ignore[arg-type]
    assert status == 202
    assert [(r["status"], r.get("reason")) for r in answer["results"]] == [
        ("accepted", None),
        ("rejected", "missing_id"),
        ("rejected", "unknown_type"),
        ("accepted", None),
    ]
    assert hook.log.ids(EVENTS) == ["press:1", "press:4"]
    assert len(hook.log.ids(REJECTED)) == 2


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("undecodable", b"{"),
        ("undecodable", b'{"data": NaN}'),
        ("undecodable", b"[" * 100_000),
        ("undecodable", b""),
        ("missing_id", json.dumps(event(None)).encode()),  # type: ignore[arg-type]
        ("not_finite", None),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_reason(hook: Hook, reason: str, body: bytes | None) -> None:
    body = body if body is not None else json.dumps(event(data={"a": 1})).encode().replace(b'"a": 1', b'"a": 1e400')
    status, answer = hook.call(body, hook.signed(body))
    assert status == 400
    [result] = answer["results"]
    assert result["reason"] in (reason, "undecodable")
    assert result["detail"]
    assert hook.send(event())[0] == 202


def test_a_replay_is_refused_and_appends_nothing(hook: Hook) -> None:
    body = json.dumps(event()).encode()
    headers = hook.signed(body, id_="msg_once")
    assert hook.call(body, headers)[0] == 202
    status, answer = hook.call(body, headers)
    assert status == 409
    assert "webhook-id" in answer["error"]
    status, answer = hook.call(body, hook.signed(body, id_="msg_other"))
    assert (status, answer["results"][0]["status"]) == (202, "repeated")
    assert hook.log.ids(EVENTS) == ["press:1"]


def test_tampered_unsigned_foreign_and_old_are_one_answer(hook: Hook) -> None:
    body = json.dumps(event()).encode()
    good = hook.signed(body)
    old = hook.signed(body, at=datetime.now(UTC) - timedelta(minutes=6))
    early = hook.signed(body, at=datetime.now(UTC) + timedelta(minutes=6))
    answers = [
        hook.call(body.replace(b"XAL", b"PER"), good),
        hook.call(body, {}),
        hook.call(body, {**good, "webhook-id": "msg_x"}),
        hook.call(body, {**good, "webhook-id": "a" * 500}),
        hook.call(body, {**good, "webhook-timestamp": "nan"}),
        hook.call(body, {**good, "webhook-timestamp": "9" * 40}),
        hook.call(body, {**good, "webhook-signature": "v1"}),
        hook.call(body, {**good, "webhook-signature": "v1,???"}),
        hook.call(body, {**good, "webhook-signature": "v2," + good["webhook-signature"][3:]}),
        hook.call(body, old),
        hook.call(body, early),
        hook.call(body, good, path="/webhook/nobody"),
    ]
    assert {status for status, _ in answers} == {401}
    assert len({json.dumps(answer) for _, answer in answers}) == 1
    assert "5 minutes" in answers[0][1]["error"]
    assert hook.log.entries == {}
    assert hook.call(body, good)[0] == 202


def test_too_large_said_or_not(hook: Hook) -> None:
    body = json.dumps(event(data={"x": "a" * 5_000_000})).encode()
    try:
        said, answer = hook.call(body, hook.signed(body))
    except (BrokenPipeError, ConnectionResetError):  # refused before the whole of it was sent
        said, answer = 413, {"error": "1,048,576"}
    assert said == 413
    assert "1,048,576" in answer["error"]
    connection = http.client.HTTPConnection("127.0.0.1", hook.port, timeout=10)
    try:
        chunks = iter([b"a" * 65_536] * 20)
        connection.request("POST", "/webhook/press", chunks, {"Content-Type": JSON}, encode_chunked=True)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        connection.close()
    assert hook.send(event())[0] == 202


def test_other_kinds_and_encodings(hook: Hook) -> None:
    body = json.dumps(event()).encode()
    assert hook.call(body, {**hook.signed(body), "Content-Type": "text/plain"})[0] == 415
    assert hook.call(b'"\xff"', hook.signed(b"x"))[0] == 400
    assert hook.call(body, {**hook.signed(body), "Content-Type": "application/json; charset=utf-8"})[0] == 202


def test_what_could_not_be_stored_may_be_sent_again(hook: Hook) -> None:
    body = json.dumps(event()).encode()
    headers = hook.signed(body)
    hook.log.reachable = False
    assert hook.call(body, headers)[0] == 503
    hook.log.reachable = True
    assert hook.call(body, headers)[0] == 202


def test_health_and_other_methods(hook: Hook) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", hook.port, timeout=10)
    connection.request("GET", "/healthz")
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())) == (200, {"status": "ok"})
    connection.request("GET", "/webhook/press")
    assert connection.getresponse().status == 405
    connection.close()


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_short", "a password that is no base 64 at all, really"])
def test_a_secret_that_is_none_is_refused_unseen(text: str) -> None:
    with pytest.raises(Refused) as caught:
        Signatures({"press": Hidden(text)})
    assert "'press'" in str(caught.value)
    assert not text.strip("whsec_") or text not in str(caught.value)


def test_secrets_print_masked() -> None:
    assert repr(Signatures({"press": Hidden(SECRET)})) == "Signatures(press: ***)"


def test_used_ids_are_forgotten_in_time_and_bounded() -> None:
    now = [0.0]
    used = UsedIds(clock=lambda: now[0], most=3)
    assert used.claim("a", "1")
    assert not used.claim("a", "1")
    assert used.claim("b", "1")
    now[0] = 601
    assert used.claim("a", "1")
    assert all(used.claim("a", str(n)) for n in range(10, 20))
