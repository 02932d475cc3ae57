"""Parsing a feed in a child process with limits on time, memory and size, so that no feed can harm the parent.

Feeds that declare entities or a document type are refused before any parser sees them. Knows nothing of HTTP.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from almenara.domain.errors import Rejected

TOO_LARGE: Final = "too_large"
ENTITIES: Final = "entities"
DOCTYPE: Final = "doctype"
TIMEOUT: Final = "timeout"
MEMORY: Final = "memory"
UNDECODABLE: Final = "undecodable"
NO_FEED: Final = "no_feed"

_MAIN: Final = Path(__file__).with_name("parser_main.py")
_MARK: Final = re.compile(rb"<!(?:(--)|(\[CDATA\[)|\s*(entity)\b|\s*(doctype)\b)", re.IGNORECASE)
_ENTITY: Final = re.compile(rb"<!\s*entity\b", re.IGNORECASE)
_ENDS: Final = {1: b"-->", 2: b"]]>"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a feed may cost: bytes of input and of memory, seconds by the clock."""

    input_bytes: int = 5_000_000
    memory_bytes: int = 512 * 1024 * 1024
    time_s: float = 10.0


def parse(body: bytes, content_type: str = "", *, limits: Limits = Limits()) -> dict[str, Any]:
    """The feed as plain values: {version, encoding, flawed, flaw, feed: {..}, entries: [{..}], cut}.

    Raises Rejected with the reason too_large, entities, doctype, timeout, memory, undecodable or no_feed.
    """
    if len(body) > limits.input_bytes:
        raise Rejected(TOO_LARGE, f"the feed has {len(body):,} bytes; at most {limits.input_bytes:,} are read")
    refuse_declarations(body)
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own file
            _command(limits, content_type), input=body, capture_output=True, timeout=limits.time_s, env={}, cwd="/"
        )
    except subprocess.TimeoutExpired:
        raise Rejected(TIMEOUT, f"the feed was not parsed within {limits.time_s:g} seconds") from None
    if done.returncode:
        raise _failure(done, limits)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise Rejected(UNDECODABLE, "the parser's answer cannot be read") from None
    if not found["entries"] and (found["flawed"] or not found["version"]):
        raise Rejected(
            NO_FEED, "no entries, and no sound RSS or Atom" + (f": {found['flaw']}" if found["flaw"] else "")
        )
    return found


def refuse_declarations(body: bytes) -> None:
    """Raises Rejected (`entities`, `doctype`) for a document that declares entities or a document type.

    Honest feeds need neither. What stands inside CDATA and comments declares nothing.
    """
    # Without zero bytes the two-byte encodings read like ASCII here.
    plain = body.replace(b"\0", b"")
    endless: set[int] = set()  # kinds that nothing ends any more: looking again each time would be quadratic
    place = 0
    while found := _MARK.search(plain, place):
        place, kind = found.end(), found.lastindex or 0
        if kind == 3 or (kind == 4 and _ENTITY.search(plain, place)):
            raise Rejected(ENTITIES, "the feed declares entities (<!ENTITY), which can be made to explode; not parsed")
        if kind == 4:
            raise Rejected(
                DOCTYPE, "a <!DOCTYPE is declared: a web page, or a feed that needs outside files; not parsed"
            )
        if kind not in endless:
            end = plain.find(_ENDS[kind], place)
            if end < 0:
                endless.add(kind)
            else:
                place = end + len(_ENDS[kind])


def _command(limits: Limits, content_type: str) -> list[str]:
    cpu_s = max(1, int(limits.time_s))
    plain = content_type.encode("ascii", "ignore").decode().replace("\0", "")[:200]
    return [sys.executable, "-I", str(_MAIN), str(limits.memory_bytes), str(cpu_s), plain]


def _failure(done: "subprocess.CompletedProcess[bytes]", limits: Limits) -> Rejected:
    said = " ".join(done.stderr[-2_000:].decode("utf-8", "replace").split())
    if "MemoryError" in said or (done.returncode < 0 and done.returncode != -24):
        return Rejected(MEMORY, f"parsing the feed took more than {limits.memory_bytes // 2**20} MiB of memory")
    if done.returncode < 0:
        return Rejected(TIMEOUT, f"parsing the feed took more than {limits.time_s:g} seconds of processor time")
    return Rejected(UNDECODABLE, f"the parser gave up: {said[:200]}")
