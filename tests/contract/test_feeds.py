"""Feeds on real HTTP and in a real child process: bombs, guards, limits; and everything around them goes on."""

import contextlib
import gzip
import http.server
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from almenara.adapters.feeds import Limits, parse
from almenara.adapters.feeds.child import refuse_declarations
from almenara.adapters.http.fetch import Fetcher
from almenara.adapters.http.guard import is_public, resolve
from almenara.domain.errors import Rejected, Unreachable
from almenara.ingest.draft import stamp
from almenara.ingest.feed import failed_feed, read_feed
from almenara.ingest.sources import SourceSpec

AT = datetime(2026, 1, 11, 17, tzinfo=UTC)
GOOD = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>The Example of Almoria</title><language>es</language>
<item><guid>1</guid><title>Funcionario A &amp; Contacto B</title><link>https://press.example/1</link>
<pubDate>Mon, 05 Jan 2026 10:08:00 -0500</pubDate><description>&lt;p&gt;Se reunieron.&lt;/p&gt;</description></item>
<item><guid>2</guid><title>En 2099</title><pubDate>2099-01-01T00:00:00Z</pubDate></item>
<item><guid>3</guid><title>Sin fecha</title><pubDate>ma\xc3\xb1ana</pubDate></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>A</title><entry><id>x</id><title>T</title>
<link href="https://press.example/x"/><updated>2026-01-05T10:08:00Z</updated><content>C</content></entry></feed>"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><rss version="2.0"><channel><title>&c;</title></channel></rss>"""


def spec(url: str = "http://127.0.0.1/") -> SourceSpec:
    return SourceSpec(id="xal_press", kind="feed", url=url, country="XAL", language="es", zone="America/Lima")


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("entities", BOMB),
        ("entities", b'<!ENTITY path "C:\\data"><rss version="2.0"/>'),
        ("entities", BOMB.decode().encode("utf-16")),
        ("entities", b"<!-- never closed " + BOMB),
        ("doctype", b"<!DOCTYPE html><html><body>blocked</body></html>"),
        ("too_large", b"<rss>" + b"a" * 5_000_000),
        ("no_feed", b"<rss>" * 20_000),
        ("no_feed", b"{}"),
        ("no_feed", b""),
        ("no_feed", b"\xff\xfe\x00\x00\xff"),
        ("no_feed", b"/etc/passwd"),
        ("no_feed", GOOD[:110]),
    ],
)
def test_what_is_refused_has_its_reason(reason: str, body: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        parse(body)
    assert caught.value.reason == reason
    assert len(caught.value.detail) < 300


def test_a_feed_is_parsed() -> None:
    found = parse(GOOD, "application/rss+xml")
    assert found["feed"]["title"] == "The Example of Almoria"
    assert [entry["id"] for entry in found["entries"]] == ["1", "2", "3"]
    assert [entry["updated"] for entry in parse(ATOM)["entries"]] == ["2026-01-05T10:08:00Z"]
    assert parse(ATOM)["entries"][0]["summary"] == "C"


def test_markup_inside_cdata_and_comments_declares_nothing() -> None:
    refuse_declarations(b"<!-- <!DOCTYPE x> --><rss><![CDATA[<!DOCTYPE html><!ENTITY a 'b'>]]></rss>")
    refuse_declarations(b"<![CDATA[" * 200_000 + b"<!--" * 200_000)


def test_a_reference_beyond_unicode_and_other_damage_are_survived() -> None:
    for damage in (b"&#1114112;", b"&nbsp;", b"\xff", b"<b>", b"&undefined;"):
        with contextlib.suppress(Rejected):
            assert parse(GOOD.replace(b"En 2099", b"En 2099" + damage))["entries"]
    assert parse(GOOD)["entries"]


def test_too_slow_and_too_hungry_children_are_ended() -> None:
    with pytest.raises(Rejected) as slow:
        parse(GOOD, limits=Limits(time_s=0.0))
    assert slow.value.reason == "timeout"
    with pytest.raises(Rejected) as hungry:
        parse(GOOD, limits=Limits(memory_bytes=8 * 2**20))
    assert hungry.value.reason in ("memory", "undecodable")
    assert parse(GOOD)["entries"]


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "64:ff9b::7f00:1", "64:ff9b:1::1",
     "2002:7f00:1::", "2001:0:7f00:1::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "ff02::1",
     "192.88.99.1", "192.0.2.1"],
)  # fmt: skip
def test_addresses_that_are_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "2600::1", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


def test_names_and_odd_spellings_of_this_machine_are_resolved_first() -> None:
    for host in ("localhost", "127.1", "0x7f.1", "2130706433", "::1"):
        with pytest.raises((Rejected, Unreachable)) as caught:
            resolve(host, 80)
        assert "private_address" in str(caught.value) or "resolved" in str(caught.value)
    assert "127.0.0.1" in resolve("127.0.0.1", 80, allow_loopback=True)
    with pytest.raises(Rejected):
        resolve("10.0.0.1", 80, allow_loopback=True)


class Site(http.server.BaseHTTPRequestHandler):
    """A made-up press site."""

    def do_GET(self) -> None:
        answer = {
            "/good": (200, {"ETag": '"v1"', "Last-Modified": "Mon, 05 Jan 2026 10:08:00 GMT"}, GOOD),
            "/bomb": (200, {}, BOMB),
            "/moved": (301, {"Location": "/good"}, b""),
            "/inside": (302, {"Location": "http://10.0.0.1/latest/meta-data"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/nowhere": (302, {}, b""),
            "/zip": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"a" * 20_000_000)),
            "/broken-zip": (200, {"Content-Encoding": "gzip"}, b"no gzip"),
            "/large": (200, {}, b"a" * 6_000_000),
            "/down": (503, {}, b""),
        }.get(self.path.partition("?")[0], (404, {}, b""))
        status, headers, body = answer
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]
        if status == 200 and headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
            status, body = 304, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/short":
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    seen: list[dict[str, str]]

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Site)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def url(site: Server, path: str) -> str:
    return f"http://127.0.0.1:{site.server_address[1]}{path}"


FETCHER = Fetcher(allow_loopback=True, timeout_s=10)


def test_a_fetch_and_a_second_one_that_finds_nothing_new(site: Server) -> None:
    first = FETCHER.get(url(site, "/moved"))
    assert first.body == GOOD
    assert first.url.endswith("/good")
    assert len(first.sha256) == 64
    again = FETCHER.get(url(site, "/good"), etag=first.etag, last_modified=first.last_modified)
    assert (again.unchanged, again.body) == (True, b"")
    assert site.seen[-1]["If-Modified-Since"] == "Mon, 05 Jan 2026 10:08:00 GMT"
    assert site.seen[-1]["User-Agent"].startswith("Almenara/")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/inside", "private_address"),
        ("/file", "bad_url"),
        ("/loop", "redirects"),
        ("/nowhere", "redirects"),
        ("/zip", "too_large"),
        ("/large", "too_large"),
        ("/none", "http_status"),
    ],
)
def test_what_is_not_fetched_has_its_reason(site: Server, path: str, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        FETCHER.get(url(site, path))
    assert caught.value.reason == reason


def test_trouble_of_the_other_side_is_unreachable(site: Server) -> None:
    for path in ("/down", "/broken-zip"):
        with pytest.raises(Unreachable):
            FETCHER.get(url(site, path))
    with pytest.raises(Unreachable):
        FETCHER.get("http://127.0.0.1:1/")
    with pytest.raises(Unreachable):
        FETCHER.get("http://no-such-host.invalid/")


@pytest.fixture
def trickle() -> Iterator[int]:
    """A server that sends a header and never comes to its end, one byte at a time."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            sock, _ = listener.accept()
            with sock:
                sock.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not ended.wait(0.02):
                    sock.sendall(b"a")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    ended.set()
    listener.close()
    thread.join(5)


def test_one_who_sends_for_ever_is_cut_off(trickle: int) -> None:
    with pytest.raises(Unreachable):
        Fetcher(allow_loopback=True, timeout_s=0.3).get(f"http://127.0.0.1:{trickle}/")


def test_a_certificate_must_be_for_the_name(site: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out",
               str(certificate)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server(("127.0.0.1", 0), Site)
    server.seen = []
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    port = server.server_address[1]
    try:
        with pytest.raises(Unreachable):
            FETCHER.get(f"https://localhost:{port}/good")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(Unreachable):
            FETCHER.get(f"https://127.0.0.1:{port}/good")
        assert FETCHER.get(f"https://localhost:{port}/good").body == GOOD
        assert server.seen[-1]["Host"] == f"localhost:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_this_machine_is_not_fetched_from_unless_it_is_said(site: Server) -> None:
    before = len(site.seen)
    for address in (url(site, "/good"), f"http://localhost:{site.server_address[1]}/good"):
        with pytest.raises(Rejected, match="private_address"):
            Fetcher().get(address)
    assert len(site.seen) == before


@pytest.mark.parametrize("address", ["ftp://x.example/", "https://u:p4ss@x.example/", "http://[::1", "gopher:x", ""])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(Rejected) as caught:
        Fetcher().get(address)
    assert caught.value.reason == "bad_url"
    assert "p4ss" not in str(caught.value)


def test_the_way_of_a_feed_into_events(site: Server) -> None:
    """A good feed between bad ones: each bad reading is a record with its reason, and the good one is read."""
    records = []
    for path in ("/bomb", "/good", "/down", "/large", "/good"):
        source = spec(url(site, path))
        try:
            fetched = FETCHER.get(source.url)
            made = read_feed(source, fetched, parse(fetched.body, fetched.content_type), AT)
        except (Rejected, Unreachable) as error:
            records += stamp(failed_feed(source, error, AT), AT)
        else:
            records += [event for draft in (*made.drafts, made.checked) for event in stamp(draft, AT)]
    articles = [event for event in records if event.type == "article.published"]
    checks = [event for event in records if event.type == "source.checked"]
    assert len(articles) == 6
    assert len({event.id for event in articles}) == 3
    assert [check.data.get("reason", check.data["outcome"]) for check in checks] == [
        "entities",
        "new",
        "unreachable",
        "too_large",
        "new",
    ]
    assert [event.data.get("flags", []) for event in articles[:3]] == [[], ["future"], ["bad_date"]]
    assert articles[0].time + timedelta(hours=5) > datetime(2026, 1, 5, 15, tzinfo=UTC)


def test_the_child_does_not_import_the_package() -> None:
    main = Path(refuse_declarations.__code__.co_filename).with_name("parser_main.py")
    assert "almenara." not in main.read_text(encoding="utf-8").partition('"""')[2].partition('"""')[2]
