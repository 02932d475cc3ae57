"""Bad input at every entrance of the embedded mode: a clear message or a rejected record, and all around it goes on."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openpyxl
import pytest

from almenara.adapters.http.fetch import Fetcher
from almenara.adapters.sinks.smtp import SmtpSink
from almenara.app.clock import SystemClock
from almenara.app.loops import listening, run_webhook
from almenara.app.polling import run_polling
from almenara.app.settings import Settings, load_settings
from almenara.app.standalone import Standalone, open_poller
from almenara.app.stores import open_store
from almenara.audit.explain import records
from almenara.domain.event import CHECKED, Event
from almenara.ingest.intake import EventIntake
from almenara.ingest.sources import SourceSpec
from almenara.ports.log import EVENTS, REJECTED
from almenara.ports.store import Store
from almenara.ports.wire import decode_event
from bad_input import BAD_EVENTS, BAD_RULES, BOMB, FUTURE, line
from cli_calls import Calls, small_config

SECRET = base64.b64encode(b"made up, and long enough").decode()
GOOD_FEED = b"""<rss version="2.0"><channel><title>Diario</title>
<item><guid>1</guid><title>Una noticia</title><pubDate>Tue, 03 Feb 2026 12:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>De 2099</title><pubDate>Thu, 01 Jan 2099 00:00:00 GMT</pubDate></item>
<item><guid>3</guid></item></channel></rss>"""
FEEDS = {
    "entity": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><rss version="2.0"/>', "entities"),
    "large": (b"<rss>" + b"a" * 5_000_000, "too_large"),
    "bytes": (b"\xff\xfe\x00\x00\xff", "no_feed"),
    "cut": (GOOD_FEED[:40], "no_feed"),
}
HEADERS = ["Fecha", "Visitante", "Funcionario"]
ROW = ["05/01/2026", "YANG ZHIHUA", "JOSE JERI"]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path / "mails") as running:
        yield running


@pytest.fixture
def almenara(tmp_path: Path, sink: SmtpSink, capsys: pytest.CaptureFixture[str]) -> Calls:
    return Calls(small_config(tmp_path / "config", mail_port=sink.port), tmp_path / "data", capsys)


@pytest.fixture
def settings(almenara: Calls) -> Settings:
    environ = {"ALMENARA_WEBHOOK__SECRETS__MINISTRY": f"whsec_{SECRET}"}
    return load_settings(almenara.config, environ, {"data_dir": str(almenara.data)})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with closing(open_store(settings, create=True)) as opened:
        yield opened


def events(store: Store, type_: str) -> list[Event]:
    return [event for event in (decode_event(r.body) for r in records(store, EVENTS)) if event.type == type_]


def reasons(store: Store) -> list[str]:
    return sorted(json.loads(record.body)["reason"] for record in records(store, REJECTED))


def start(almenara: Calls, store: Store, settings: Settings) -> Standalone:
    """The services of the embedded mode, with rules and subscribers active."""
    parts = Standalone(store, almenara.config, settings, SystemClock())
    parts.start()
    return parts


def goes_on(parts: Standalone, sink: SmtpSink, almenara: Calls) -> None:
    """The two good events are told, and the record is whole."""
    parts.tick()
    parts.pump()
    parts.send()
    assert len(sink.mails()) == 2
    assert almenara("audit", "replay").code == 0
    assert almenara("audit", "verify").code == 0


def test_the_bomb_is_small() -> None:
    assert 300 < len(BOMB) < 400


def test_rules_check_names_every_fault_of_every_file(almenara: Calls) -> None:
    for name, (body, _, _) in BAD_RULES.items():
        (almenara.config / "rules" / name).write_bytes(body)
    found = almenara("rules", "check")
    assert found.code == 2
    for name, (_, lines, words) in BAD_RULES.items():
        said = [text for text in found.err.splitlines() if f"rules/{name}:" in text]
        found_at = [re.search(rf"{name}:(\d+)", text) for text in said]
        assert [int(at[1]) if at else 0 for at in found_at] == list(lines), (name, said)
        assert any(words in text for text in said), (name, said)
        assert all(len(text) < 1_000 for text in said)
    refused = almenara("rules", "activate", "--reason", "r", "--by", "ana")
    assert refused.code == 2
    for name in BAD_RULES:
        (almenara.config / "rules" / name).unlink()
    assert almenara("rules", "check").code == 0


def test_events_publish(almenara: Calls, settings: Settings, store: Store, sink: SmtpSink, tmp_path: Path) -> None:
    parts = start(almenara, store, settings)
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([line("first"), *(bad for _, bad in BAD_EVENTS), FUTURE, line("last")]) + b"\n")
    found = almenara.json("events", "publish", str(file))
    assert found.code == 2
    assert found.one["accepted"] == 3
    wanted = [reason for reason, _ in BAD_EVENTS]
    assert [(refused["reason"], refused["item"].split(" ")[0]) for refused in found.one["rejected"]] == [
        (reason, f"{file}:{number}") for number, reason in enumerate(wanted, start=2)
    ]
    assert reasons(store) == sorted(wanted)
    (future,) = events(store, "article.published")
    assert future.data["flags"] == ["future"]
    goes_on(parts, sink, almenara)


def workbook() -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (HEADERS, ROW):
        sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("says", "body"),
    [
        ("damaged XLSX", workbook()[:-30]),
        ("damaged XLSX", workbook()[: len(workbook()) // 2]),
        ("no row of known column headers", b"\xff\xfe\xff,x\n"),
        ("field larger than", b"Fecha,Visitante,Funcionario\n05/01/2026," + b"a" * 5_000_000 + b",x\n"),
    ],
    ids=["cut", "half", "bytes", "5 MB"],
)
def test_sources_import(almenara: Calls, tmp_path: Path, says: str, body: bytes) -> None:
    almenara("migrate")
    words = ("sources", "import", "pe_palace_visits")
    rest = ("--covers", "2026-01-05..2026-01-05", "--by", "ana")
    bad, good = tmp_path / "bad.xlsx", tmp_path / "good.xlsx"
    bad.write_bytes(body)
    good.write_bytes(workbook())
    found = almenara(*words, str(bad), *rest)
    assert found.code == 2
    assert "bad.xlsx" in found.err
    assert says in found.err
    assert len(found.err) < 1_500
    assert almenara.json("events", "list").lines == []
    assert almenara(*words, str(good), *rest).code == 0
    assert "meeting.registered" in {event["type"] for event in almenara.json("events", "list").lines}


@contextmanager
def web() -> Iterator[int]:
    """A server of the good feed and of the bad ones, each at its name; gives its port."""

    class Feeds(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = FEEDS.get(self.path[1:], (GOOD_FEED, ""))[0]
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Feeds)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


async def test_feeds(settings: Settings, store: Store) -> None:
    with web() as port:
        specs = [
            SourceSpec(id=name, kind="feed", url=f"http://127.0.0.1:{port}/{name}", country="PER", every_s=600)
            for name in (*FEEDS, "good")
        ]
        poller = open_poller(store, settings, SystemClock(), specs, fetch=Fetcher(allow_loopback=True))
        stop = asyncio.Event()
        polling = asyncio.create_task(run_polling(poller, stop))
        while len({event.data["source"]["id"] for event in events(store, CHECKED)}) < len(specs):
            await asyncio.sleep(0.1)
            assert not polling.done()
        stop.set()
        await polling
    checked = {event.data["source"]["id"]: event.data for event in events(store, CHECKED) if event.country == "PER"}
    assert {name: data["outcome"] for name, data in checked.items()} == {
        **dict.fromkeys(FEEDS, "failed"),
        "good": "new",
    }
    for name, (_, reason) in FEEDS.items():
        assert reason in json.dumps(checked[name]), checked[name]
    articles = {event.data["title"]: event.data.get("flags", []) for event in events(store, "article.published")}
    assert set(articles) == {"Una noticia", "De 2099"}
    assert "future" in articles["De 2099"]
    assert reasons(store) == ["empty_item"]


def post(port: int, body: bytes) -> tuple[int, bytes]:
    """Signed as Standard Webhooks has it, over bytes that may be no text."""
    uid, at = f"msg_{hashlib.sha256(body).hexdigest()[:16]}", str(int(datetime.now(UTC).timestamp()))
    digest = hmac.digest(base64.b64decode(SECRET), f"{uid}.{at}.".encode() + body, "sha256")
    headers = {
        "content-type": "application/cloudevents+json",
        "webhook-id": uid,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        try:
            connection.request("POST", "/webhook/ministry", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (BrokenPipeError, ConnectionResetError):  # refused by its length, before the whole of it was sent
            return 413, b"too_large"


def is_text(body: bytes) -> bool:
    try:
        return bool(body.decode("utf-8"))
    except UnicodeDecodeError:
        return False


async def posted(port: int, body: bytes) -> tuple[int, bytes]:
    """As soon as the server listens."""
    while True:
        try:
            return await asyncio.to_thread(post, port, body)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)


async def test_webhook(almenara: Calls, settings: Settings, store: Store, sink: SmtpSink) -> None:
    parts = start(almenara, store, settings)
    with listening("127.0.0.1:0") as free:
        port = free.getsockname()[1]
    at = settings.model_copy(update={"webhook": settings.webhook.model_copy(update={"listen": f"127.0.0.1:{port}"})})
    stop = asyncio.Event()
    serving = asyncio.create_task(run_webhook(at, EventIntake(store, SystemClock()), stop))
    try:
        assert (await posted(port, line("first")))[0] == 202
        for reason, body in BAD_EVENTS:
            status, said = await posted(port, body)
            assert status == (413 if reason == "too_large" else 400), (reason, status, said)
            assert len(said) < 1_000
            assert b"too_large" in said or json.loads(said), reason
        assert (await posted(port, FUTURE))[0] == 202
        assert (await posted(port, line("last")))[0] == 202
    finally:
        stop.set()
        await serving
    # what is refused by its length or its bytes was never read: its sender is told, nothing is recorded
    assert reasons(store) == sorted(reason for reason, body in BAD_EVENTS if reason != "too_large" and is_text(body))
    assert [event.data["flags"] for event in events(store, "article.published")] == [["future"]]
    goes_on(parts, sink, almenara)


@pytest.mark.parametrize("body", [b"\xff\xfe[", b"{", b"[1]", b'{"events/0/1": 7}'])
def test_checkpoints_that_are_none(almenara: Calls, tmp_path: Path, body: bytes) -> None:
    almenara("migrate")
    file = tmp_path / "heads.json"
    file.write_bytes(body)
    found = almenara("audit", "verify", "--checkpoints", str(file))
    assert (found.code, "--checkpoints" in found.err) == (2, True)
    assert almenara("audit", "checkpoint", "--output", str(file)).code == 0
    assert almenara("audit", "verify", "--checkpoints", str(file)).code == 0
    assert almenara("audit", "checkpoint", "--output", str(tmp_path / "no" / "heads.json")).code == 2


def test_a_timeline_and_what_it_names_must_be_text(almenara: Calls, tmp_path: Path) -> None:
    almenara("migrate")
    file = tmp_path / "timeline.yaml"
    for text in (b"zone: America/Lima\nsource: x\nitems:\n - \xff\xfe\n", b"source: x\ncountries: c.csv\nitems: []\n"):
        file.write_bytes(text)
        (tmp_path / "c.csv").write_bytes(b"alpha3,name_en\nPER,\xff\n")
        found = almenara("events", "publish", str(file))
        assert found.code == 2
        assert "UTF-8" in found.err


def test_a_reading_of_days_beyond_the_calendar_proves_nothing(
    almenara: Calls, settings: Settings, store: Store, sink: SmtpSink, tmp_path: Path
) -> None:
    parts = start(almenara, store, settings)
    covers = {"from": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-12:00"}
    data = {"source": {"id": "diario"}, "outcome": "new", "rows": 1, "covers": covers}
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([line("first"), line("r", type="source.checked", data=data), line("last")]))
    assert almenara("events", "publish", str(file)).code == 0
    goes_on(parts, sink, almenara)
    assert reasons(store) == []
    spec = SourceSpec(id="diario", kind="feed", url="https://diario.example/rss", country="PER", every_s=600)
    assert open_poller(store, settings, SystemClock(), [spec]).feeds() == [spec]
