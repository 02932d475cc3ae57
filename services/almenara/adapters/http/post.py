"""One HTTP POST, guarded: public addresses only unless the operator allows others, bounded in time, no redirects.

The connection goes to the very address that was checked; proxies of the environment are not used. Nothing of the URL,
the headers or the other side's words gets into what is said of a failure.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
    TimeoutError,
)

from almenara.adapters.http.connection import pool_to
from almenara.adapters.http.guard import Network, resolve
from almenara.domain.errors import Rejected, Unreachable
from almenara.ports.post import Answer

BODY_BYTES: Final = 65_536
_AGENT: Final = "Almenara/1.0"
_NEVER_SENT: Final = (ConnectTimeoutError, NewConnectionError, SSLError)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """How to post. `timeout_s` is for the whole of it; `private` are the networks that may be reached besides."""

    timeout_s: float = 20.0
    private: tuple[Network, ...] = ()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request. Only http and https without a user name; a 3xx is an answer like any other."""
        parts = _parts(url)
        if parts is None:
            return Answer(broken="not an http address", sent=False, refused=True)
        deadline = time.monotonic() + self.timeout_s
        port = parts.port or _PORTS[parts.scheme]
        try:
            addresses = resolve(str(parts.hostname), port, allowed=self.private)
        except Rejected:
            return Answer(broken="no public address", sent=False, refused=True)
        except Unreachable:
            return Answer(broken="not reached, unknown name", sent=False)
        try:
            return self._post(parts, addresses[0], port, body=body, headers=headers, deadline=deadline)
        except _NEVER_SENT as error:
            # urllib3 counts a connection that was refused among those that timed out
            late = isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError)
            how = "timed out" if late else f"broke off ({type(error).__name__})"
            return Answer(broken=f"not reached, {how}", sent=False)
        except (HTTPError, OSError) as error:
            late = isinstance(error, ReadTimeoutError | TimeoutError) or time.monotonic() >= deadline
            return Answer(broken="timed out" if late else f"broke off ({type(error).__name__})")

    def _post(
        self,
        parts: SplitResult,
        address: str,
        port: int,
        *,
        body: bytes,
        headers: Mapping[str, str],
        deadline: float,
    ) -> Answer:
        left_s = max(0.1, deadline - time.monotonic())
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with pool_to(parts.scheme, address, port, host=str(parts.hostname), left_s=left_s) as pool:
            response = pool.request(
                "POST",
                target,
                body=body,
                headers={"User-Agent": _AGENT, **headers, "Host": parts.netloc},
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=True,
            )
            try:
                said = response.read(BODY_BYTES)
            finally:
                response.close()
        return Answer(response.status, said, response.headers.get("Retry-After", ""))


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    plain = url.isascii() and url.isprintable() and " " not in url
    sound = parts.scheme in _PORTS and parts.hostname and parts.username is None and not parts.fragment
    return parts if plain and sound else None
