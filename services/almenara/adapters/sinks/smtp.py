"""A local mail server that writes each mail into a folder as an .eml file, and answers as it is told.

Listens on 127.0.0.1 only, in a thread of its own.
"""

import asyncio
import ssl
import threading
import weakref
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """How to answer one step of a dialogue: with a line, after a while (seconds), or by cutting the connection.

    `at` is the step that the answer is for: `connect` (the greeting), `ehlo` (HELO, too), `mail` (the sender), `rcpt`
    (the recipient), `command` (DATA itself) or `data` (the whole mail).
    """

    line: str = "250 2.0.0 Ok"
    delay_s: float = 0.0
    cut: bool = False
    at: str = "data"
    keep: bool | None = None

    @property
    def keeps(self) -> bool:
        """Whether the mail is kept: when it is taken, unless told otherwise."""
        return self.line.startswith("2") if self.keep is None else self.keep


class SmtpSink:
    """The server. Use as a context manager, or call `start` and `stop`; `port` is known once started."""

    def __init__(
        self, folder: Path, *, replies: Iterable[Reply] = (), tls: ssl.SSLContext | None = None, implicit: bool = False
    ) -> None:
        """With `tls` it offers STARTTLS, or `implicit` TLS from the first byte."""
        self.folder = folder
        self.tls, self.implicit = tls, implicit
        self._replies: deque[Reply] = deque(replies)
        self._lock = threading.Lock()
        self._count = 0
        self._released = threading.Event()
        self._controller: _Controller | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts listening on a free port."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._count = len(list(self.folder.glob("*.eml")))
        controller = _Controller(self)
        controller.start()
        self._controller = controller
        self.port = controller.port

    def stop(self) -> None:
        """Stops listening and ends every connection, slow ones too. Idempotent."""
        self._released.set()
        if self._controller is not None:
            self._controller.cut()
            self._controller.stop()
            self._controller = None

    def reply_with(self, *replies: Reply) -> None:
        """Answers the next mails so, one each; after that as usual."""
        with self._lock:
            self._replies.extend(replies)

    def mails(self) -> list[Path]:
        """The kept mails, in the order in which they came."""
        return sorted(self.folder.glob("*.eml"))

    async def goes_on(self, server: SMTP, step: str) -> bool:
        """Whether a step is answered as usual; otherwise it has been answered, or the connection is cut."""
        reply = self._next(step)
        if reply is None or (await self._act(server, reply) and reply.line.startswith("2")):
            return True
        if not reply.cut:
            await server.push(reply.line)
        return False

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes a recipient, or answers as told."""
        reply = self._next("rcpt")
        if reply is not None and not await self._act(server, reply):
            return "421 closing"
        line = reply.line if reply is not None else "250 OK"
        if line.startswith("2"):
            envelope.rcpt_tos.append(address)
        return line

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps a mail and answers."""
        reply = self._next("data") or Reply()
        if reply.keeps:
            self._keep(envelope)
        return reply.line if await self._act(server, reply) else "421 closing"

    async def _act(self, server: Any, reply: Reply) -> bool:
        waited = 0.0
        while waited < reply.delay_s and not self._released.is_set():
            await asyncio.sleep(0.05)
            waited += 0.05
        if reply.cut and server.transport is not None:
            server.transport.abort()
        return not reply.cut

    def _next(self, step: str) -> Reply | None:
        with self._lock:
            if self._replies and self._replies[0].at == step:
                return self._replies.popleft()
        return None

    def _keep(self, envelope: Envelope) -> None:
        with self._lock:
            self._count += 1
            body = envelope.original_content or b""
            name = f"{self._count:05}.eml"
            aside = self.folder / f".{name}.part"
            aside.write_bytes(body)
            aside.rename(self.folder / name)


class _Dialogue(SMTP):
    """One connection. What aiosmtpd has no hook for is asked of the sink here: greeting, EHLO, MAIL, DATA."""

    greeted = False

    async def push(self, status: Any) -> None:
        """Sends a line; the first one is the greeting."""
        if not self.greeted:
            self.greeted = True
            if not await self.event_handler.goes_on(self, "connect"):
                return
        await super().push(status)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        """EHLO, or what was told."""
        if await self.event_handler.goes_on(self, "ehlo"):
            await super().smtp_EHLO(hostname)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802
        """HELO, or what was told."""
        if await self.event_handler.goes_on(self, "ehlo"):
            await super().smtp_HELO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        """The sender, or what was told."""
        if await self.event_handler.goes_on(self, "mail"):
            await super().smtp_MAIL(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """The mail, or what was told."""
        if await self.event_handler.goes_on(self, "command"):
            await super().smtp_DATA(arg)


class _Controller(Controller):
    """Binds to a free port and says which; aiosmtpd's own cannot start on port 0."""

    def __init__(self, sink: SmtpSink) -> None:
        implicit, starttls = (sink.tls, None) if sink.implicit else (None, sink.tls)
        super().__init__(sink, hostname=HOST, port=0, ssl_context=implicit, data_size_limit=4_000_000)
        self.SMTP_kwargs["tls_context"] = starttls
        self._sink = sink
        self._dialogues: weakref.WeakSet[SMTP] = weakref.WeakSet()

    def factory(self) -> SMTP:
        """The protocol of one connection, remembered so that `stop` can end it."""
        made = _Dialogue(self._sink, **self.SMTP_kwargs)
        self._dialogues.add(made)
        return made

    def cut(self) -> None:
        """Ends every connection that is still open."""
        for dialogue in list(self._dialogues):
            if isinstance(dialogue.transport, asyncio.Transport):
                self.loop.call_soon_threadsafe(dialogue.transport.abort)

    def _trigger_server(self) -> None:
        # called once the server listens: only now is the port known, to which aiosmtpd then says hello itself
        if isinstance(self.server, asyncio.Server):
            self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]
