"""A receiver of webhooks in a process of its own: answers 200 at once and keeps what came, and when.

On standard output first its port. Then, for each line on standard input: `count` prints how many posts came, `take`
prints all of them as one line of JSON ([moment, headers, body] each) and forgets them. Ends with its standard input.
"""

import asyncio
import json
import sys
import time
from typing import Final

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_END: Final = b"\r\n\r\n"

_came: list[tuple[float, bytes, bytes]] = []


class _Posts(asyncio.Protocol):
    """One connection; it may bring several posts, one after the other."""

    def __init__(self) -> None:
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(_END)) >= 0:
            head, whole = self._held[:end], end + len(_END) + _length(self._held[:end])
            if len(self._held) < whole:
                return
            _came.append((time.monotonic(), head, self._held[end + len(_END) : whole]))
            self._held = self._held[whole:]
            self._transport.write(_ANSWER)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in lines}


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(_Posts, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    while asked := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if asked == "count":
            print(len(_came), flush=True)
        else:
            print(json.dumps([(at, _headers(head), body.decode()) for at, head, body in _came]), flush=True)
            _came.clear()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
