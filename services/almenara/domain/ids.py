"""Identifiers derived from content: the same input always gives the same id.

That is what makes every retry harmless. Nothing here draws a random number.
"""

import hashlib
import json
from json.encoder import encode_basestring
from typing import Any

# Crockford's base 32 (no I, L, O, U): https://www.crockford.com/base32.html
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_CITE_SYMBOLS = 7
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)


def canonical(value: Any) -> bytes:
    """The one JSON spelling of `value`: sorted keys, no spaces, UTF-8; NaN is refused (ValueError)."""
    return _encoder.encode(value).encode()


def content_id(*parts: Any) -> str:
    """26 lower-case base-32 symbols (130 bits of SHA-256) over the canonical JSON of `parts`."""
    number = int.from_bytes(hashlib.sha256(_spelled(parts)).digest()[:17], "big") >> 6
    return _symbols(number, 26).lower()


def cite(uid: str) -> str:
    """The short form people cite, with a check digit: `ALM-4K7Q-9XTD` (35 bits and 5 check bits)."""
    number = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8], "big") >> 29
    symbols = _symbols(number, _CITE_SYMBOLS)
    symbols += _check(symbols)
    return f"ALM-{symbols[:4]}-{symbols[4:]}"


def is_cite(text: str) -> bool:
    """Whether `text` is a citation whose check digit holds (a mistyped one is told apart from an unknown one)."""
    symbols = text.upper().removeprefix("ALM-").replace("-", "")
    known = len(symbols) == _CITE_SYMBOLS + 1 and all(s in _ALPHABET for s in symbols)
    return known and _check(symbols[:-1]) == symbols[-1]


def _spelled(parts: tuple[Any, ...]) -> bytes:
    """The canonical JSON of the parts. Nearly all are texts, and need no encoder to be made for them."""
    spelled = [encode_basestring(part) if isinstance(part, str) else _encoder.encode(part) for part in parts]
    return f"[{','.join(spelled)}]".encode()


def _symbols(number: int, count: int) -> str:
    found = []
    for _ in range(0, count, 2):
        number, low = divmod(number, 1024)
        found.append(_PAIRS[low])
    found.reverse()
    return "".join(found)[-count:]


def _check(symbols: str) -> str:
    # Odd weights are units modulo 32: any one wrong symbol changes the sum; differing neighbours' weights catch
    # most swaps of two neighbours.
    total = sum((2 * place + 1) * _ALPHABET.index(symbol) for place, symbol in enumerate(symbols))
    return _ALPHABET[total % 32]
