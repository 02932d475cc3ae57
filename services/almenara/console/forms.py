"""The body of a POST: read within bounds of size and time, and taken apart. Nothing is kept of it but short fields."""

import asyncio
from email.errors import MessageError
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from almenara.console.acts import Asked

MAX_BODY: Final = 16 * 1024
READ_FOR_S: Final = 10.0
_MOST_FIELDS: Final = 10
_ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")
_MULTIPART: Final = "multipart/form-data"
_URLENCODED: Final = "application/x-www-form-urlencoded"

Fields = dict[str, str]


class Unreadable(Exception):
    """The body cannot be taken; `status` is the HTTP status that says why."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(str(status))


async def read_fields(request: Request) -> Fields:
    """The fields of a form. Raises Unreadable: too large, too slow, broken off, or no form."""
    kind = request.headers.get("content-type", "")
    body = await _read(request)
    return fields_of(kind, body)


def fields_of(kind: str, body: bytes) -> Fields:
    """The fields of a body by its content type. Raises Unreadable."""
    plain_kind = kind.partition(";")[0].strip().lower()
    if plain_kind == _MULTIPART:
        return _multipart(kind, body)
    if plain_kind != _URLENCODED:
        raise Unreadable(415)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError as error:  # not UTF-8, or too many fields
        raise Unreadable(400) from error


def is_one_click(fields: Fields) -> bool:
    """Whether a mail program sent it because its reader pressed *unsubscribe* there (RFC 8058)."""
    return fields.get(_ONE_CLICK[0]) == _ONE_CLICK[1]


def asked_of(fields: Fields) -> Asked:
    """What a person filled in."""
    return Asked(
        judgement=fields.get("judgement", ""),
        note=fields.get("note", "").strip(),
        name=fields.get("name", "").strip(),
        to=fields.get("to", "").strip(),
        resume=fields.get("do") == "resume",
    )


async def _read(request: Request) -> bytes:
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and len(said) < 20 and int(said) > MAX_BODY:
        raise Unreadable(413)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_FOR_S):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise Unreadable(413)
                parts.append(chunk)
    except TimeoutError:
        raise Unreadable(408) from None
    except ClientDisconnect:
        raise Unreadable(400) from None
    return b"".join(parts)


def _multipart(kind: str, body: bytes) -> Fields:
    """The fields of a multipart form: RFC 8058 lets a mail program send one."""
    if not kind.isascii() or "\n" in kind or "\r" in kind:
        raise Unreadable(400)
    try:
        mail = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        parts = list(mail.iter_parts())[:_MOST_FIELDS] if mail.is_multipart() else []
        found = {}
        for part in parts:
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(content, bytes):
                found[name] = content.decode().strip()
        return found
    except (MessageError, ValueError, LookupError) as error:
        raise Unreadable(400) from error
