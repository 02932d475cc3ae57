"""A small HTTP server that takes posts and answers as it is told; what both sinks over HTTP are made of.

Listens on 127.0.0.1 only, in threads of its own.
"""

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

HOST: Final = "127.0.0.1"
FILE: Final = "posts.jsonl"
_LARGEST: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """How to answer one post: status, body and headers, after a while (seconds), or by cutting the connection.

    Without a body of its own it is answered as usual, as far as the status allows.
    """

    status: int = 200
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut: bool = False
    keep: bool | None = None

    @property
    def keeps(self) -> bool:
        """Whether the post is kept: when it is taken, unless told otherwise."""
        return (self.status == 200) if self.keep is None else self.keep


class HttpSink:
    """The server. Use as a context manager, or call `start` and `stop`; `port` is known once started."""

    def __init__(self, folder: Path, *, answers: Iterable[Answer] = ()) -> None:
        self.folder = folder
        self._answers: deque[Answer] = deque(answers)
        self._lock = threading.RLock()
        self._released = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self.requests = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts listening on a free port."""
        self.folder.mkdir(parents=True, exist_ok=True)
        server = _Server((HOST, 0), _handler(self))
        self._server = server
        self.port = server.server_address[1]
        name = type(self).__name__
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops listening and lets slow answers go. Idempotent."""
        self._released.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    def answer_with(self, *answers: Answer) -> None:
        """Answers the next posts so, one each; after that as usual."""
        with self._lock:
            self._answers.extend(answers)

    def posts(self) -> list[dict[str, Any]]:
        """The kept posts, in the order in which they came."""
        try:
            lines = (self.folder / FILE).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def take(self, path: str, headers: Headers, body: bytes) -> Answer:
        """Takes one post: keeps it if it is to be kept, waits if it is to be slow, and says how to answer."""
        with self._lock:
            self.requests += 1
            answer = self._answers.popleft() if self._answers else Answer()
            usual = self.usual(path, headers, body, keep=answer.keeps)
        if answer.delay_s:
            self._released.wait(answer.delay_s)
        if answer.body is None and answer.status == 200:
            return replace(usual, cut=answer.cut, headers={**usual.headers, **answer.headers})
        return replace(answer, body=answer.body or "")

    def usual(self, path: str, headers: Headers, body: bytes, *, keep: bool) -> Answer:
        """How a post is answered when nothing else was told; called by one thread at a time."""
        raise NotImplementedError

    def keep(self, post: Mapping[str, Any]) -> None:
        """Keeps a post as a line of JSON."""
        with self._lock, (self.folder / FILE).open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(post, ensure_ascii=False) + "\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a client that went away."""


def _handler(sink: HttpSink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One post in, one answer out."""

        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            size = int(length) if length.isdigit() else 0
            answer = sink.take(self.path, self.headers, self.rfile.read(min(size, _LARGEST)))
            if answer.cut:
                self.close_connection = True
                return
            body = (answer.body or "").encode()
            self.send_response(answer.status)
            for name, value in {
                "Content-Type": "text/html",
                "Content-Length": str(len(body)),
                **answer.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: the path holds tokens."""

        def log_error(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler
