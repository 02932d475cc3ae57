"""The signed webhook as an ASGI application: POST /webhook/{source}, GET /healthz.

A sender learns why an event was refused, but not why a signature was. What becomes of the events is the intake's
affair; here is only HTTP.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from almenara.adapters.http.signatures import Revealable, Signatures, UsedIds
from almenara.domain.errors import Unreachable
from almenara.ports.intake import Intake, Receipt, Taken

MAX_BODY: Final = 1024 * 1024
TYPES: Final = ("application/json", "application/cloudevents+json", "application/cloudevents-batch+json")
_BAD_SIGNATURE: Final = "the signature was not accepted: check the secret, the signature, and the clock (5 minutes)"
_RETRY_S: Final = "5"

log = logging.getLogger(__name__)


def webhook_app(
    secrets: Mapping[str, Revealable], intake: Intake, *, max_body: int = MAX_BODY, used: UsedIds | None = None
) -> Starlette:
    """The application. `secrets` maps each source to its signing secret (`whsec_` and base 64). Raises Refused."""
    endpoint = _Endpoint(Signatures(secrets), intake, max_body=max_body, used=used or UsedIds())
    return Starlette(
        routes=[
            Route("/webhook/{source}", endpoint.take, methods=["POST"]),
            Route("/healthz", _healthy, methods=["GET"]),
        ]
    )


class _Endpoint:
    def __init__(self, signatures: Signatures, intake: Intake, *, max_body: int, used: UsedIds) -> None:
        self._signatures = signatures
        self._intake = intake
        self._max_body = max_body
        self._used = used

    async def take(self, request: Request) -> Response:
        source = request.path_params["source"]
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in TYPES:
            return _error(415, f"send one of {', '.join(TYPES)}")
        try:
            body = await self._body(request)
        except ClientDisconnect:
            return _error(400, "the body ended too soon")
        if body is None:
            return _error(413, f"the body has more than {self._max_body:,} bytes; send fewer events at once")
        if not _is_utf8(body):
            return _error(400, "the body is not UTF-8 text")
        if not self._signatures.holds(source, body, request.headers):
            return _error(401, _BAD_SIGNATURE)
        webhook_id = request.headers["webhook-id"]
        if not self._used.claim(source, webhook_id):
            return _error(409, "this webhook-id was used already; nothing was stored again")
        stored = False
        try:
            receipts = await run_in_threadpool(self._intake.take, source, body)
            stored = any(receipt.taken != Taken.REJECTED for receipt in receipts)
        except Unreachable as error:
            log.warning("the webhook could not store what '%s' sent: %s", source, error)
            return _error(503, "nothing was stored; send it again", {"Retry-After": _RETRY_S})
        finally:
            if not stored:
                self._used.release(source, webhook_id)
        return JSONResponse({"results": [_result(r) for r in receipts]}, 202 if stored else 400)

    async def _body(self, request: Request) -> bytes | None:
        """The body; None when it is too large, found out while it comes in."""
        said = request.headers.get("content-length", "")
        if said.isascii() and said.isdigit() and len(said) < 20 and int(said) > self._max_body:
            return None
        parts: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._max_body:
                return None
            parts.append(chunk)
        return b"".join(parts)


async def _healthy(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _result(receipt: Receipt) -> dict[str, Any]:
    found = {"id": receipt.id, "status": receipt.taken.value, "reason": receipt.reason, "detail": receipt.detail}
    return {name: value for name, value in found.items() if value}


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": text}, status, headers=headers)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
