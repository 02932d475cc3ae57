"""One HTTP GET, guarded: public addresses only (at every redirect), bounded in time and size, conditional by ETag.

The connection goes to the very address that was checked, so that a name cannot change its mind in between. Proxies of
the environment are not used. Knows nothing of feeds.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from almenara.adapters.http.connection import pool_to
from almenara.adapters.http.guard import resolve
from almenara.domain.errors import Rejected, Unreachable
from almenara.ports.source import Fetched

BAD_URL: Final = "bad_url"
TOO_LARGE: Final = "too_large"
REDIRECTS: Final = "redirects"
HTTP_STATUS: Final = "http_status"

MAX_REDIRECTS: Final = 5
_CHUNK: Final = 64 * 1024
_REDIRECTED: Final = (301, 302, 303, 307, 308)
_NOT_MODIFIED: Final = 304
_OK: Final = 200
_ACCEPT: Final = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """How to fetch. `timeout_s` is for the whole of it; `allow_loopback` is for tests on this machine only."""

    user_agent: str = "Almenara/1.0 (feed reader)"
    timeout_s: float = 20.0
    max_bytes: int = 5_000_000
    allow_loopback: bool = False

    def get(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """The document at a URL, after at most five redirects.

        Raises Rejected (bad_url, private_address, redirects, http_status, too_large) and Unreachable (no answer,
        broken connection, too slow, or the other side's own trouble: 429 and 5xx).
        """
        headers = {"User-Agent": self.user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"}
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": last_modified} if last_modified else {}
        deadline = time.monotonic() + self.timeout_s
        for _ in range(MAX_REDIRECTS + 1):
            parts = _parts(url)
            try:
                answer = self._once(parts, url, headers, deadline)
            except HTTPError as error:
                raise Unreachable(f"{parts.hostname}: {_plain(error)}") from error
            if isinstance(answer, Fetched):
                return answer
            if parts.scheme == "https" and urlsplit(answer).scheme == "http":
                raise Rejected(REDIRECTS, f"{parts.hostname} redirects from https to http; not followed")
            url = answer
        raise Rejected(REDIRECTS, f"more than {MAX_REDIRECTS} redirects")

    def _once(self, parts: SplitResult, url: str, headers: dict[str, str], deadline: float) -> Fetched | str:
        """One request: the document, or where it is said to be."""
        host = str(parts.hostname)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = resolve(host, port, allow_loopback=self.allow_loopback)
        left_s = max(0.1, deadline - time.monotonic())
        pool = pool_to(parts.scheme, addresses[0], port, host=host, left_s=left_s)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with pool:
            response = pool.request(
                "GET",
                target,
                headers=headers | {"Host": parts.netloc},
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=True,
            )
            try:
                answer = self._answer(response, url, host, deadline)
            finally:
                response.close()
        # A connection that was cut can look like one that came to its end.
        self._in_time(host, deadline)
        return answer

    def _answer(self, response: urllib3.BaseHTTPResponse, url: str, host: str, deadline: float) -> Fetched | str:
        status, headers = response.status, response.headers
        etag, last_modified = headers.get("ETag", "")[:500], headers.get("Last-Modified", "")[:100]
        if status == _NOT_MODIFIED:
            return Fetched(url=url, unchanged=True, etag=etag, last_modified=last_modified)
        if status in _REDIRECTED:
            if not headers.get("Location"):
                raise Rejected(REDIRECTS, f"{host} redirects to nowhere")
            return urljoin(url, headers["Location"])
        if status == 429 or status >= 500:
            raise Unreachable(f"{host} answers {status}")
        if status != _OK:
            raise Rejected(HTTP_STATUS, f"{host} answers {status}")
        body = self._body(response, host, deadline)
        return Fetched(
            url=url,
            body=body,
            content_type=headers.get("Content-Type", "")[:200],
            sha256=hashlib.sha256(body).hexdigest(),
            etag=etag,
            last_modified=last_modified,
        )

    def _body(self, response: urllib3.BaseHTTPResponse, host: str, deadline: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        for chunk in response.stream(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > self.max_bytes:
                raise Rejected(TOO_LARGE, f"{host} sends more than {self.max_bytes:,} bytes")
            self._in_time(host, deadline)
            parts.append(chunk)
        return b"".join(parts)

    def _in_time(self, host: str, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise Unreachable(f"{host} takes longer than {self.timeout_s:g} seconds")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Rejected(BAD_URL, "the address cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise Rejected(BAD_URL, "only http and https addresses without a user name are fetched")
    return parts


def _plain(error: HTTPError) -> str:
    # The library's own text names the pool and the target; the kind of trouble is enough, and safe to record.
    return type(error).__name__
