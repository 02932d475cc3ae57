"""What people and programs hand in that is no use: one list for every entrance, each item with its reason."""

import json
from itertools import pairwise
from typing import Any

from cli_calls import DESIGNATION

_LETTERS = "abcdefghi"
BOMB = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(_LETTERS)
)
"""Under 400 bytes that stand for hundreds of millions of words."""

SIX_FAULTS = """title: Six faults
name: six
status: brand-new
level: severe
date: someday
logsource: {product: almenara}
detection:
  sel:
    f|sounds_like: x
  condition: sel
almenara:
  onwer: desk
  tags: visa
"""

BAD_RULES: dict[str, tuple[bytes, tuple[int, ...], str]] = {
    "bomb.yml": (BOMB.encode(), (2,), "alias"),
    "loop.yml": (b"title: Loop\nalmenara: &a {again: *a}\n", (2,), "alias"),
    "twice.yml": (b"title: One\nlevel: low\ntitle: Two\n", (3,), "'title' stands twice"),
    "six.yml": (SIX_FAULTS.encode(), (3, 4, 5, 9, 12, 13), "did you mean 'owner'?"),
    "nan.yml": (b"title: NaN\nalmenara: {version: .nan}\n", (2,), "not a finite number"),
    "bytes.yml": (b"title: Bytes\nname: \xff\xfe\n", (2,), "not UTF-8"),
    "large.yml": (b"title: " + b"x" * 5_000_000 + b"\n", (0,), "larger than"),
}
"""File -> its bytes, the lines of its faults (0 = the whole file), and words of one of them."""


def event(uid: str, **changes: Any) -> dict[str, Any]:
    """The event that a shipped rule answers at once, under another id."""
    return {**DESIGNATION, "id": uid, **changes}


def line(uid: str, **changes: Any) -> bytes:
    """The same as JSON."""
    return json.dumps(event(uid, **changes)).encode()


def _without_id() -> bytes:
    return json.dumps({name: value for name, value in event("x").items() if name != "id"}).encode()


FUTURE = line("in-2099", type="article.published", time="2099-01-01T00:00:00Z", data={"title": "Far away"})
"""Is taken, kept and flagged."""

BAD_EVENTS: tuple[tuple[str, bytes], ...] = (
    ("missing_id", _without_id()),
    ("undecodable", line("nan").replace(b'"data": {', b'"data": {"score": NaN, ')),
    ("undecodable", line("bytes").replace(b"A designation", b"A \xc3\x28 designation")),
    ("undecodable", b'{"oops'),
    ("too_large", line("large", data={"text": "a" * 5_000_000})),
    ("bad_time", line("someday", time="someday")),
)
"""(reason, bytes): items that are refused."""
