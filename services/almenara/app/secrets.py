"""Secret texts: values that print masked wherever they end up, and a redactor for texts that others have made.

Knows nothing of where a secret comes from.
"""

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MASK: Final = "***"
_SHORTEST: Final = 4  # masking shorter values would blot out ordinary words

_PATTERNS: Final = (
    (re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]{0,40}://)[^\s/@]{1,400}@"), rf"\1{MASK}@"),
    (re.compile(r"(/services/)T[A-Z0-9]{1,60}/B[A-Z0-9]{1,60}/[A-Za-z0-9_]{1,200}"), rf"\1{MASK}"),
    (re.compile(r"(\bhooks\.slack(?:-gov)?\.com/)[^\s'\"]{1,400}"), rf"\1{MASK}"),
    (re.compile(r"(\bslack://)[^\s'\"]{1,400}"), rf"\1{MASK}"),
    (re.compile(r"(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"(/l/)[A-Za-z0-9_-]{16,700}\.[0-9a-f]{64}"), rf"\1{MASK}"),  # a link that lets its holder act
    (re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{8,}"), MASK),
)


class Secret:
    """A text that must not be shown. Every way of printing it gives a mask; `reveal` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the one place that needs it, never for a message or a log."""
        return self._text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="always")
        )

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(value)
        raise ValueError("should be text")


class SecretUrl(Secret):
    """A URL that may carry a password: prints its scheme only, or the whole of it when it names a local SQLite file."""

    __slots__ = ()

    @property
    def scheme(self) -> str:
        """What stands before `://`; empty when this is no URL."""
        return self._text.partition("://")[0] if "://" in self._text else ""

    def __str__(self) -> str:
        if self._text.startswith("sqlite:///") and "?" not in self._text:
            return self._text
        return f"{self.scheme}://{MASK}" if self.scheme else MASK


def secrets_in(value: object) -> Iterator[Secret]:
    """Every secret inside settings, mappings and sequences of them."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from secrets_in(item)


class Redactor:
    """Masks known secrets, user names and passwords in URLs, Slack webhook paths and authorization headers."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._texts: tuple[str, ...] = ()
        self.add(*secrets)

    def add(self, *secrets: Secret) -> None:
        """Masks these too from now on. Values under four characters are left: they would blot out ordinary words."""
        texts = set(self._texts)
        for secret in secrets:
            # what a SecretUrl shows of itself is no secret (a local SQLite file)
            if str(secret) != secret.reveal():
                texts.update(_spellings(secret.reveal()))
        self._texts = tuple(sorted((t for t in texts if len(t) >= _SHORTEST), key=lambda t: (-len(t), t)))

    def redact(self, text: str) -> str:
        """The text with every secret in it masked."""
        for known in self._texts:
            if known in text:
                text = text.replace(known, MASK)
        for pattern, mask in _PATTERNS:
            text = pattern.sub(mask, text)
        return text


def _spellings(text: str) -> Iterator[str]:
    """A secret as it may turn up: as it is, line by line, a URL's password alone; quoted in a URL, JSON or a repr."""
    parts = [text, *(line.strip() for line in text.splitlines())]
    try:
        password = urlsplit(text).password if "://" in text else None
    except ValueError:
        password = None
    for part in (*parts, password or ""):
        yield from (part, quote(part, safe=""), quote(part), json.dumps(part)[1:-1], repr(part)[1:-1])
