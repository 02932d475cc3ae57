"""Sources over real sockets of this machine: a feed that is tried and polled, and the signed webhook of a service."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from almenara.adapters.feeds import parse
from almenara.adapters.http.fetch import Fetcher
from almenara.app.clock import SystemClock
from almenara.app.loops import listening, run_webhook
from almenara.app.polling import try_source
from almenara.app.settings import Settings, load_settings
from almenara.app.standalone import open_poller
from almenara.app.stores import open_store
from almenara.cli.session import Session
from almenara.cli.sources import show_trial
from almenara.domain.errors import Refused
from almenara.ingest.intake import EventIntake
from almenara.ingest.sources import SourceSpec
from almenara.ports.log import EVENTS, STREAMS
from almenara.ports.store import Store
from cli_calls import DESIGNATION, small_config

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Diario</title><language>es-PE</language>
<item><guid>1</guid><title>Una noticia</title><pubDate>Tue, 03 Feb 2026 12:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>Otra</title><pubDate>Wed, 04 Feb 2026 12:00:00 GMT</pubDate></item>
<item><guid>3</guid></item>
</channel></rss>"""
SECRET = base64.b64encode(b"made up, and long enough").decode()


class Feed(BaseHTTPRequestHandler):
    """Answers every request with the same feed."""

    def do_GET(self) -> None:
        if self.headers.get("If-None-Match") == '"one"':
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Type", "application/rss+xml")
        self.end_headers()
        self.wfile.write(RSS)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def feed() -> Iterator[SourceSpec]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield SourceSpec(id="diario", kind="feed", url=f"http://127.0.0.1:{server.server_port}/rss", country="PER")
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return small_config(tmp_path / "config")


@pytest.fixture
def settings(config: Path, tmp_path: Path) -> Settings:
    environ = {"ALMENARA_WEBHOOK__SECRETS__MINISTRY": f"whsec_{SECRET}"}
    return load_settings(config, environ, {"data_dir": str(tmp_path / "data")})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with closing(open_store(settings, create=True)) as opened:
        yield opened


def test_what_a_dry_run_shows(feed: SourceSpec, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    reading = try_source(feed, Fetcher(allow_loopback=True), lambda body, kind: parse(body, kind), now)
    refused = [str(error) for error in reading.rejected]
    session = Session(config, None, json=True, quiet=False)
    assert show_trial(session, reading.drafts, refused, now=now, limit=1) == 0
    item, summary = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (item["item"], item["language"]) == ("Una noticia", "es")
    assert (summary["items"], summary["stored"], summary["detections"]) == (2, False, [])
    assert (summary["oldest"], summary["newest"]) == ("2026-02-03T12:00:00Z", "2026-02-04T12:00:00Z")
    assert "empty_item" in summary["refused"][0]


def test_a_feed_is_polled_by_etag(feed: SourceSpec, settings: Settings, store: Store) -> None:
    poller = open_poller(store, settings, SystemClock(), [feed], fetch=Fetcher(allow_loopback=True))
    first, second = poller.read(feed), poller.read(feed)
    assert (first.outcome, second.outcome) == ("new", "unchanged")
    assert len(first.report.accepted) == 4  # two articles; the reading, for PER and for CHL
    assert len(second.report.accepted) == 2


def post(port: int, source: str, body: bytes, secret: str = SECRET) -> int:
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/cloudevents+json",
        "webhook-id": f"id-{len(body)}",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(f"id-{len(body)}", now, body.decode()),
    }
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request("POST", f"/webhook/{source}", body, headers)
        return connection.getresponse().status


async def test_the_webhook_of_a_service(settings: Settings, store: Store) -> None:
    with listening("127.0.0.1:0") as free:
        port = free.getsockname()[1]
    at = settings.model_copy(update={"webhook": settings.webhook.model_copy(update={"listen": f"127.0.0.1:{port}"})})
    stop = asyncio.Event()
    serving = asyncio.create_task(run_webhook(at, EventIntake(store, SystemClock()), stop))
    body = json.dumps(DESIGNATION).encode()
    try:
        for _ in range(200):
            await asyncio.sleep(0.05)
            try:
                assert await asyncio.to_thread(post, port, "ministry", body) == 202
                break
            except ConnectionError:
                continue
        other = base64.b64encode(b"somebody else's secret..").decode()
        assert await asyncio.to_thread(post, port, "ministry", body + b" ", other) == 401
    finally:
        stop.set()
        await serving
    assert sum(store.end(EVENTS, number) for number in range(store.partitions)) == 1
    assert all(store.end(stream, 0) == 0 for stream in STREAMS if stream != EVENTS)


def test_an_address_that_is_taken_is_refused() -> None:
    with listening("127.0.0.1:0") as held:
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(Refused, match="choose another port"), listening(f"127.0.0.1:{port}"):
            pass
