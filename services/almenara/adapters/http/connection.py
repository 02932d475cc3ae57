"""A connection to an address that was checked, which ends when its time is over. Knows nothing of what goes over it."""

import contextlib
import heapq
import itertools
import logging
import socket
import threading
import time
import weakref
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Timeout

_IDLE_S: Final = 60.0


class _Watch:
    """Cuts connections whose time is over: one thread for all of them, which goes when there are none."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        # (moment of the monotonic clock, number, connection); whoever reads from a connection holds it, nobody else
        self._cuttings: list[tuple[float, int, weakref.ref[socket.socket]]] = []
        self._watching = False

    def cut_later(self, sock: socket.socket, after_s: float) -> None:
        """From now on this one, too."""
        cutting = (time.monotonic() + after_s, next(self._numbers), weakref.ref(sock))
        with self._changed:
            heapq.heappush(self._cuttings, cutting)
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="cutting", daemon=True).start()
            elif self._cuttings[0] is cutting:  # sooner than all that the thread waits for
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                while (left_s := self._left_s()) > 0:
                    if not self._changed.wait(left_s) and not self._cuttings:
                        self._watching = False
                        return
                sock = heapq.heappop(self._cuttings)[2]()
            if sock is not None:
                with contextlib.suppress(OSError):  # closed since, as it should be
                    sock.shutdown(socket.SHUT_RDWR)

    def _left_s(self) -> float:
        return self._cuttings[0][0] - time.monotonic() if self._cuttings else _IDLE_S


_watch: Final = _Watch()


class _Cut:
    """Ends a connection when its time is over: the library's own timeout begins again with every byte."""

    def __init__(self, *arguments: Any, left_s: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._left_s = left_s

    def cut_later(self, sock: socket.socket | None) -> None:
        """In `left_s` seconds from now."""
        if sock is not None:
            _watch.cut_later(sock, self._left_s)


class _Http(_Cut, HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.cut_later(self.sock)


class _Https(_Cut, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.cut_later(self.sock)


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


def pool_to(scheme: str, address: str, port: int, *, host: str, left_s: float) -> urllib3.HTTPConnectionPool:
    """One connection to this very address, in the name of `host`, with its certificate checked; cut after `left_s`."""
    logging.getLogger("urllib3.connectionpool").disabled = True  # it logs paths, and a webhook's path is a secret
    timeout = Timeout(total=left_s)
    if scheme == "http":
        return _HttpPool(address, port, timeout=timeout, maxsize=1, left_s=left_s)
    return _HttpsPool(
        address,
        port,
        timeout=timeout,
        maxsize=1,
        server_hostname=host,
        assert_hostname=host,
        cert_reqs="CERT_REQUIRED",
        left_s=left_s,
    )
