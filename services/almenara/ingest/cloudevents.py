"""CloudEvents in JSON, one, a batch, or JSONL: strict reading into drafts.

Pure. A bad item becomes a Rejected with its reason and never stops the rest. Must not know who sent it.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from almenara.domain.errors import Rejected
from almenara.domain.event import SCHEMA_VERSION
from almenara.ingest.draft import BAD_COUNTRY, BAD_DATA, BAD_TIME, MAX_DEPTH, MISSING_ID, TOO_LARGE, Draft
from almenara.ports.upcast import upcast

MAX_LINE_BYTES: Final = 1024 * 1024
MAX_BATCH: Final = 10_000

MISSING_SOURCE: Final = "missing_source"
MISSING_TYPE: Final = "missing_type"
BAD_SPECVERSION: Final = "bad_specversion"
UNDECODABLE: Final = "undecodable"
NEWER_SCHEMA: Final = "newer_schema"

_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|z|[+-]\d\d:?\d\d)", re.ASCII
)  # fmt: skip
_BOM: Final = b"\xef\xbb\xbf"

Item = Draft | Rejected


def from_json(value: object, *, prefix: str = "") -> Draft:
    """The draft of one CloudEvent (structured mode, decoded). `prefix` goes before its id and its source.

    Raises Rejected: bad_specversion, missing_id, missing_source, missing_type, bad_time, bad_country, bad_data,
    newer_schema, undecodable (no object).
    """
    if not isinstance(value, Mapping):
        raise Rejected(UNDECODABLE, f"a CloudEvent is a JSON object, not {_kind(value)}")
    if value.get("specversion") != "1.0":
        raise Rejected(BAD_SPECVERSION, f'specversion is {_shown(value.get("specversion"))}; write "1.0"')
    uid = _text(value, "id", MISSING_ID)
    source = _text(value, "source", MISSING_SOURCE)
    type_ = _text(value, "type", MISSING_TYPE)
    subject = value.get("subject") or ""
    if not isinstance(subject, str):
        raise Rejected(BAD_DATA, f"subject is {_kind(subject)}, not text")
    time = _moment(value, "time")
    if time is None:
        raise Rejected(BAD_TIME, "time is missing: when did it happen? Write it as 2026-01-11T17:00:00Z")
    return Draft(
        id=prefix + uid,
        source=prefix + source,
        type=type_,
        time=time,
        until=_moment(value, "until"),
        recorded=_moment(value, "recorded"),
        countries_key=_countries(value.get("country")),
        subject=subject,
        data=_data(value, type_),
    )


def read_document(body: bytes, *, prefix: str = "", max_bytes: int = MAX_LINE_BYTES) -> list[Item]:
    """The drafts of one JSON text: a CloudEvent, or an array of them (a batch); never empty, never raises."""
    try:
        value = _decode(body, max_bytes)
    except Rejected as error:
        return [error]
    if not isinstance(value, list):
        return [_item(value, prefix)]
    if not value:
        return [Rejected(UNDECODABLE, "the batch is empty")]
    if len(value) > MAX_BATCH:
        return [Rejected(TOO_LARGE, f"a batch of {len(value):,} events; send at most {MAX_BATCH:,} at once")]
    return [_item(inner, prefix) for inner in value]


def read_jsonl(source: bytes | Iterable[bytes], *, prefix: str = "") -> Iterator[tuple[int, Item]]:
    """The items of JSON lines, each with its line number (from 1); empty lines are passed over.

    A line may hold a batch. A line over 1 MiB is rejected without being kept in memory (for binary files and bytes).
    """
    for number, line in enumerate(_lines(source), start=1):
        if number == 1:
            line = line.removeprefix(_BOM)
        if line.strip():
            for item in read_document(line, prefix=prefix):
                yield number, item


def _lines(source: bytes | Iterable[bytes]) -> Iterator[bytes]:
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    if not isinstance(stream, io.IOBase):
        yield from stream
        return
    # One byte more than a line may have, then the newline: enough to know that it is too long.
    while line := stream.readline(MAX_LINE_BYTES + 2):
        yield line
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)


def _item(value: object, prefix: str) -> Item:
    try:
        return from_json(value, prefix=prefix)
    except Rejected as error:
        return error


def _decode(body: bytes, max_bytes: int) -> Any:
    body = body.rstrip(b"\r\n")
    if len(body) > max_bytes:
        raise Rejected(TOO_LARGE, f"more than {max_bytes:,} bytes in one item; send less, and quotes instead of texts")
    try:
        value = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise Rejected(UNDECODABLE, f"not UTF-8 text at byte {error.start + 1}") from None
    except RecursionError:
        raise Rejected(UNDECODABLE, "nested too deeply") from None
    except msgspec.DecodeError as error:
        raise Rejected(UNDECODABLE, f"not JSON: {error}") from None
    _bound_depth(value)
    return value


def _bound_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 4):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise Rejected(UNDECODABLE, f"nested deeper than {MAX_DEPTH} levels")


def _text(value: Mapping[Any, Any], name: str, reason: str) -> str:
    found = value.get(name)
    if found is None or found == "":
        raise Rejected(reason, f"{name} is missing; every CloudEvent has one")
    if not isinstance(found, str) or not found.strip():
        raise Rejected(reason, f"{name} is {_shown(found)}; write a text that is not blank")
    return found


def _moment(value: Mapping[Any, Any], name: str) -> datetime | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not _MOMENT.fullmatch(found):
        raise Rejected(BAD_TIME, f"{name} is {_shown(found)}; write it with its offset, as 2026-01-11T17:00:00Z")
    try:
        return datetime.fromisoformat(found.upper())
    except ValueError as error:
        raise Rejected(BAD_TIME, f"{name} is {_shown(found)}: {error}") from None


def _countries(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, str):
        raise Rejected(BAD_COUNTRY, f"country is {_shown(value)}; write one code, or several with commas, as PER,CHL")
    return tuple(code.strip() for code in value.split(",") if code.strip())


def _data(value: Mapping[Any, Any], type_: str) -> Mapping[str, Any]:
    if "data_base64" in value:
        raise Rejected(BAD_DATA, "data_base64 is not taken; send the data as a JSON object")
    data = value.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise Rejected(BAD_DATA, f"data is {_kind(data)}, not an object")
    version = value.get("schemaversion", SCHEMA_VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Rejected(BAD_DATA, f"schemaversion is {_shown(version)}; write a number from 1 to {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        raise Rejected(NEWER_SCHEMA, f"schema version {version}; this release reads up to {SCHEMA_VERSION}")
    return upcast(type_, version, data) if version < SCHEMA_VERSION else data


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def _shown(value: object) -> str:
    return f"'{value[:40]}'" if isinstance(value, str) else "missing" if value is None else _kind(value)
