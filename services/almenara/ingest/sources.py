"""What a source is, and the reading of `sources.yaml`: every fault at once, with its file and line.

Pure: text was read by others. Must not know how a source is fetched.
"""

import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from almenara.domain.audience import TLPS
from almenara.domain.durations import parse_duration
from almenara.domain.errors import Fault
from almenara.engine.reading.documents import Document

FEED: Final = "feed"
REGISTER: Final = "register_import"
LIST_EDITION: Final = "list_edition"
WATCHED: Final = "watched"
ALL: Final = "all"
KINDS: Final = (FEED, REGISTER, LIST_EDITION, "webhook", "inbox", "timeline", "cloudevents")
RELIABILITY: Final = ("A", "B", "C", "D", "E", "F")
DEFAULT_EVERY: Final = timedelta(minutes=15)
SHORTEST_EVERY: Final = timedelta(minutes=1)

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One source. Durations in seconds.

    `covers` says in words what the source covers and what not. `columns` maps a field to the headers that may carry
    it; `drop_fields` are removed before anything else; `keep_rows` is `watched` or `all`. `reliability` is the
    Admiralty letter, F while nobody has judged it. `zone` is the IANA zone of times without an offset. `tlp` is how
    confidential everything from it is (Traffic Light Protocol); empty is what the settings say.
    """

    id: str
    kind: str
    url: str = ""
    every_s: int = int(DEFAULT_EVERY.total_seconds())
    country: str = ""
    language: str = ""
    reliability: str = "F"
    covers: str = ""
    publish_lag_s: int = 0
    drop_fields: tuple[str, ...] = ()
    keep_rows: str = WATCHED
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zone: str = "UTC"
    tlp: str = ""


def parse_sources(documents: Sequence[Document]) -> tuple[list[SourceSpec], list[Fault]]:
    """The sources of these documents, in their order, and every fault; a source with a fault is left out."""
    specs: dict[str, SourceSpec] = {}
    faults: list[Fault] = []
    for document in documents:
        if not isinstance(document.data, dict):
            faults.append(document.fault((), "not a map of sources", "write `name: {kind: feed, ...}`"))
            continue
        for name, raw in document.data.items():
            reading = _Reading(document, name)
            spec = reading.spec(raw)
            if name in specs:
                reading.fault((), f"the source '{name}' stands twice", "keep one of the two")
            faults += reading.faults
            if spec is not None and not reading.faults:
                specs[name] = spec
    return list(specs.values()), faults


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the known names when none is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"


class _Reading:
    """One source of one document; collects its faults."""

    def __init__(self, document: Document, name: str) -> None:
        self._document = document
        self._name = name
        self.faults: list[Fault] = []

    def fault(self, path: tuple[str | int, ...], what: str, cure: str = "") -> None:
        self.faults.append(self._document.fault((self._name, *path), what, cure))

    def spec(self, raw: Any) -> SourceSpec | None:
        if not _ID.fullmatch(self._name):
            self.fault((), f"'{self._name}' cannot name a source", "use at most 64 of a-z, 0-9, _ and -")
        if not isinstance(raw, dict):
            self.fault((), "a source is a map", "write {kind: feed, url: ..., country: PER}")
            return None
        kind = raw.get("kind")
        if kind not in KINDS:
            what = f"unknown kind '{kind}'" if kind else "kind is missing"
            self.fault(("kind",) if kind else (), what, nearest(str(kind or ""), KINDS))
        values: dict[str, Any] = {}
        for key, value in raw.items():
            key = str(key)
            if key not in _KEYS:
                self.fault((key,), f"unknown key '{key}'", nearest(key, _KEYS))
                continue
            try:
                made = _KEYS[key](value)
            except ValueError as error:
                what, _, cure = str(error).partition(" -- ")
                self.fault((key,), f"{key}: {what}", cure)
            else:
                values[_FIELDS.get(key, key)] = made
        needed = _REQUIRED.get(str(kind), ())
        for key in needed:
            if key not in raw:
                self.fault((), f"'{key}' is missing", f"a source of kind {kind} needs {', '.join(needed)}")
        return SourceSpec(id=self._name, **values) if not self.faults else None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is not text -- write one line of text, in quotes when in doubt")
    return value.strip()


def _url(value: Any) -> str:
    text = _text(value)
    try:
        parts = urlsplit(text)
        host, user = parts.hostname, parts.username or parts.password
        _ = parts.port
    except ValueError:
        host, user, parts = None, None, urlsplit("")
    if user:
        raise ValueError("holds a user name or a password -- a source without a key needs none")
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f]", text):
        raise ValueError("is no web address -- write https://host/path")
    return text


def _country(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value, re.ASCII):
        raise ValueError("is no country -- write three capital letters (ISO 3166 alpha-3), such as PER")
    return value


def _language(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2,3}", value, re.ASCII):
        raise ValueError("is no language -- write two small letters, such as es (NO is false in YAML: quote it)")
    return value


def _seconds(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("is not a duration -- write a number and a unit, such as 10m, 36h or 1d12h")
    return int(parse_duration(value).total_seconds())


def _every(value: Any) -> int:
    seconds = _seconds(value)
    if seconds < SHORTEST_EVERY.total_seconds():
        raise ValueError("is too often -- read a source at most once a minute (1m)")
    return seconds


def _zone(value: Any) -> str:
    text = _text(value)
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone -- write an IANA name, such as America/Lima") from None
    return text


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("is not a list -- write [one, two]")
    return tuple(_text(item) for item in value)


def _columns(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ValueError("is not a map -- write {visitor: Visitante, host: [Funcionario, Empleado Público]}")
    return {key: _texts(headers) if isinstance(headers, list) else (_text(headers),) for key, headers in value.items()}


def _one_of(*known: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in known:
            raise ValueError(f"is not one of those that are known -- one of {', '.join(known)}")
        return str(value)

    return check


_KEYS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kind": str,
    "url": _url,
    "every": _every,
    "country": _country,
    "language": _language,
    "reliability": _one_of(*RELIABILITY),
    "covers": _text,
    "publish_lag": _seconds,
    "drop_fields": _texts,
    "keep_rows": _one_of(WATCHED, ALL),
    "columns": _columns,
    "zone": _zone,
    "tlp": _one_of(*TLPS),
}
_FIELDS: Final = {"every": "every_s", "publish_lag": "publish_lag_s"}
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    FEED: ("url", "country"),
    REGISTER: ("country", "covers", "zone"),
    "webhook": ("country",),
}
