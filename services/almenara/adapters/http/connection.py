"""A connection to an address that was checked, which ends when its time is over. Knows nothing of what goes over it."""

import contextlib
import logging
import socket
import threading

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Timeout


class _Cut:
    """Ends a connection when its time is over: the library's own timeout begins again with every byte."""

    left_s = 0.0

    def cut_later(self, sock: socket.socket | None) -> None:
        if sock is not None:
            timer = threading.Timer(self.left_s, _shut, (sock,))
            timer.daemon = True
            timer.start()


class _Http(_Cut, HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.cut_later(self.sock)


class _Https(_Cut, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.cut_later(self.sock)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed since, as it should be
        sock.shutdown(socket.SHUT_RDWR)


def pool_to(scheme: str, address: str, port: int, *, host: str, left_s: float) -> urllib3.HTTPConnectionPool:
    """One connection to this very address, in the name of `host`, with its certificate checked; cut after `left_s`."""
    logging.getLogger("urllib3.connectionpool").disabled = True  # it logs paths, and a webhook's path is a secret
    timeout = Timeout(total=left_s)
    pool: urllib3.HTTPConnectionPool
    if scheme == "http":
        pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout, maxsize=1)
        pool.ConnectionCls = type("_TimedHttp", (_Http,), {"left_s": left_s})
    else:
        pool = urllib3.HTTPSConnectionPool(
            address,
            port,
            timeout=timeout,
            maxsize=1,
            server_hostname=host,
            assert_hostname=host,
            cert_reqs="CERT_REQUIRED",
        )
        pool.ConnectionCls = type("_TimedHttps", (_Https,), {"left_s": left_s})
    return pool
