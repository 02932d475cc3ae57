"""The pages as an ASGI application: GET and POST /l/{token}, POST /slack, GET /healthz. Here is only HTTP.

A GET shows and changes nothing: mail scanners open every link. A POST records one command. What is refused is said in
both languages, for then nobody knows who reads.
"""

from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from almenara.console import acts, forms
from almenara.console.account import account_of, card_of
from almenara.console.acts import Asked, Reader, Sheet
from almenara.console.links import Action, LinkTo, Refusal, verify
from almenara.console.rendering import bare, headers, page
from almenara.domain.errors import Unreachable
from almenara.ports.clock import Clock
from almenara.ports.commands import CommandLog
from almenara.ports.query import AlertView, Query

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
_ALLOW: Final = ", ".join(METHODS)
_LOOKS: Final = "GET, HEAD, OPTIONS"
_STATUS: Final = {
    Refusal.MALFORMED: HTTPStatus.FORBIDDEN,
    Refusal.FORGED: HTTPStatus.FORBIDDEN,
    Refusal.EXPIRED: HTTPStatus.GONE,
    Refusal.GONE: HTTPStatus.GONE,
}


def console_app(key: bytes, query: Query, commands: CommandLog, clock: Clock) -> Starlette:
    """The application. `key` is the one that signs the links."""
    pages = _Pages(key, query, commands, clock)
    return Starlette(
        routes=[
            Route("/l/{token}", pages.answer, methods=list(METHODS)),
            Route("/slack", _acknowledged, methods=["POST"]),
            Route("/healthz", _healthy, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _no_page, Unreachable: _not_now},
    )


class _Pages:
    def __init__(self, key: bytes, query: Query, commands: CommandLog, clock: Clock) -> None:
        self._key = key
        self._query = query
        self._commands = commands
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        link = verify(request.path_params["token"], self._key, self._clock.now())
        if isinstance(link, Refusal):
            return refused(link)
        if request.method == "OPTIONS":
            return bare(HTTPStatus.NO_CONTENT, allow=_LOOKS if link.action == Action.WHY else _ALLOW)
        if request.method != "POST":
            return await run_in_threadpool(self._look, link)
        if link.action == Action.WHY:
            return page("plain.html.j2", HTTPStatus.METHOD_NOT_ALLOWED, allow=_LOOKS, what="method")
        try:
            fields = await forms.read_fields(request)
        except forms.Unreadable as error:
            return page("plain.html.j2", error.status, what="body")
        if forms.is_one_click(fields):
            return await run_in_threadpool(self._one_click, link)
        if fields.get("do") not in ("it", "resume"):
            return page("plain.html.j2", HTTPStatus.BAD_REQUEST, what="body")
        return await run_in_threadpool(self._act, link, forms.asked_of(fields))

    def _look(self, link: LinkTo) -> Response:
        found = self._found(link)
        if isinstance(found, Refusal):
            return refused(found)
        reader, view = found
        if link.action == Action.WHY and view is not None:
            parts = account_of(view, reader.voice)
            return page("why.html.j2", reader=reader, card=card_of(view, reader.voice), parts=parts)
        return self._shown(reader, view, self._before(reader, view))

    def _act(self, link: LinkTo, asked: Asked) -> Response:
        found = self._found(link)
        if isinstance(found, Refusal):
            return refused(found)
        reader, view = found
        before = self._before(reader, view)
        if not before.button or before.resume != asked.resume:  # used already, closed, taken by somebody else
            return self._shown(reader, view, before, HTTPStatus.CONFLICT)
        if fault := acts.fault_in(reader, asked, known=self._query.knows(asked.to)):
            return self._shown(reader, view, acts.again(before, asked, fault), HTTPStatus.BAD_REQUEST)
        now = self._clock.now()
        done = self._commands.append(acts.command_of(reader, asked, view, now), now)
        if done is not None:
            return self._shown(reader, view, acts.used(reader, done), HTTPStatus.CONFLICT)
        return self._shown(reader, view, acts.recorded(reader, asked, now))

    def _one_click(self, link: LinkTo) -> Response:
        """RFC 8058: the mail program asks in its reader's name; there is nobody to show a page to."""
        if link.action != Action.UNSUBSCRIBE:
            return bare(HTTPStatus.BAD_REQUEST)
        found = self._found(link)
        if isinstance(found, Refusal):
            return bare(_STATUS[found])
        now, reader = self._clock.now(), found[0]
        asked = Asked(name=reader.who.id)
        self._commands.append(acts.command_of(reader, asked, None, now), now)
        return bare()

    def _found(self, link: LinkTo) -> tuple[Reader, AlertView | None] | Refusal:
        """Who holds the link, and the alert that it is about; GONE when one of them is no longer there."""
        who = self._query.reader(link.subscriber, link.via)
        if who is None:
            return Refusal.GONE
        reader = Reader(link=link, who=who)
        if link.action == Action.UNSUBSCRIBE:
            return reader, None
        view = self._query.alert(link.alert, who, link.via)
        return Refusal.GONE if view is None else (reader, view)

    def _before(self, reader: Reader, view: AlertView | None) -> Sheet:
        link, now = reader.link, self._clock.now()
        if view is None and (ended := self._query.ended(link.subscriber, link.via)) is not None:
            return acts.ended(reader, ended)
        done = self._query.done(acts.TYPES[link.action], link.id, view.alert if view else None)
        return acts.sheet_of(reader, view, done, now)

    def _shown(self, reader: Reader, view: AlertView | None, sheet: Sheet, status: int = HTTPStatus.OK) -> Response:
        card = card_of(view, reader.voice) if view is not None else None
        return page("act.html.j2", status, reader=reader, card=card, sheet=sheet, most=(acts.NOTE, acts.NAME))


def refused(refusal: Refusal) -> Response:
    """The page of a link that is not taken."""
    return page("plain.html.j2", _STATUS[refusal], what=str(refusal))


async def _no_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    what = "method" if status == HTTPStatus.METHOD_NOT_ALLOWED else "nothing"
    allow = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    return page("plain.html.j2", status, what=what, allow=allow)


async def _not_now(request: Request, error: Exception) -> Response:
    answer = page("plain.html.j2", HTTPStatus.SERVICE_UNAVAILABLE, what="later")
    answer.headers["Retry-After"] = "5"
    return answer


async def _acknowledged(request: Request) -> Response:
    """Slack tells an app of every press of a link button, and warns its reader unless somebody says *heard*."""
    return bare()


async def _healthy(request: Request) -> Response:
    return Response('{"status": "ok"}', media_type="application/json", headers=headers())
