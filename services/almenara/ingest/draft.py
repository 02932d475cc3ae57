"""A draft: what a source says happened, before it is an event; and the stamp that checks it and makes it one.

Pure: the moment of stamping is given. Must not know where a draft comes from (feed, file, webhook) or where it goes.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from almenara.domain.errors import Rejected
from almenara.domain.event import CHECKED, CORRECTED, OBSERVED_TYPES, WITHDRAWN, Event
from almenara.domain.ids import canonical, content_id

ACCEPTED: Final = (*OBSERVED_TYPES, CORRECTED, WITHDRAWN, CHECKED)
"""What a source may say. Ticks, activations and commands have writers of their own."""

MAX_DATA_BYTES: Final = 64 * 1024
MAX_QUOTE: Final = 300
MAX_ID: Final = 200
MAX_DEPTH: Final = 40
FUTURE_TOLERANCE: Final = timedelta(days=1)
FUTURE: Final = "future"

MISSING_ID: Final = "missing_id"
UNKNOWN_TYPE: Final = "unknown_type"
BAD_TIME: Final = "bad_time"
BAD_COUNTRY: Final = "bad_country"
TOO_LARGE: Final = "too_large"
NOT_FINITE: Final = "not_finite"
BAD_DATA: Final = "bad_data"

_COUNTRY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_QUOTES: Final = ("text", "quote")
_MAX_INTEGER: Final = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a source says happened.

    `id` may be empty: then it follows from the content (source, type, times, subject, data; not from when it became
    known), so that the same item read twice is one event. `countries_key` are the watched countries it is published
    for, one event each. `recorded` is when it became known; None = the moment of stamping. Times carry an offset.
    """

    source: str
    type: str
    time: datetime
    countries_key: tuple[str, ...]
    id: str = ""
    until: datetime | None = None
    recorded: datetime | None = None
    subject: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def stamp(draft: Draft, now: datetime) -> list[Event]:
    """The events of a draft, one for each watched country; several share `observation` and get `@PER` on their ids.

    An event dated more than a day after it became known is kept and flagged: `data.flags` holds `future`.
    Raises Rejected with a stable reason: missing_id, unknown_type, bad_time, bad_country, too_large, not_finite,
    bad_data.
    """
    if draft.type not in ACCEPTED:
        raise Rejected(UNKNOWN_TYPE, f"'{draft.type[:60]}' is no event type that a source may send")
    time, until, recorded = _times(draft, now)
    countries = _countries(draft)
    data = _checked_data(draft.data)
    uid = _identity(draft, time, until, data)
    if time > recorded + FUTURE_TOLERANCE:
        data = {**data, "flags": sorted({*_flags(data), FUTURE})}
    several = len(countries) > 1
    return [
        Event(
            id=f"{uid}@{country}" if several else uid,
            source=draft.source,
            type=draft.type,
            time=time,
            until=until,
            recorded=recorded,
            country=country,
            subject=draft.subject,
            observation=uid if several else "",
            data=_about(data, draft.type, countries, country) if several else data,
        )
        for country in countries
    ]


def cut_quote(text: str) -> str:
    """The text as a quote that the log may hold: one line, at most 300 characters, cut at a word, marked with `…`."""
    plain = " ".join(text.split())
    if len(plain) <= MAX_QUOTE:
        return plain
    kept = plain[: MAX_QUOTE - 2]
    return (kept.rsplit(" ", 1)[0] if " " in kept else kept) + " …"


def _about(data: dict[str, Any], type_: str, countries: Sequence[str], country: str) -> dict[str, Any]:
    """What is said of an observation for several countries is said, in each of them, of its copy there."""
    of = data.get("of")
    if type_ not in (CORRECTED, WITHDRAWN) or not isinstance(of, str):
        return data
    named = of.endswith(tuple(f"@{code}" for code in countries))
    return data if named else {**data, "of": f"{of}@{country}"}


def _times(draft: Draft, now: datetime) -> tuple[datetime, datetime | None, datetime]:
    time = _utc(draft.time, "time")
    until = None if draft.until is None else _utc(draft.until, "until")
    if until is not None and until <= time:
        raise Rejected(BAD_TIME, f"until {until.isoformat()} is not after time {time.isoformat()}")
    return time, until, _utc(draft.recorded or now, "recorded")


def _utc(moment: Any, name: str) -> datetime:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise Rejected(BAD_TIME, f"{name} {moment} has no offset from UTC")
    try:
        made: datetime = moment.astimezone(UTC)
        made + FUTURE_TOLERANCE
    except OverflowError:
        raise Rejected(BAD_TIME, f"{name} {moment} is out of range") from None
    return made


def _countries(draft: Draft) -> tuple[str, ...]:
    if not draft.countries_key:
        raise Rejected(BAD_COUNTRY, "no country to publish it for")
    data: Any = draft.data
    named = data.get("countries", {}) if isinstance(data, Mapping) else {}
    if not isinstance(named, Mapping) or not all(isinstance(codes, list | tuple) for codes in named.values()):
        raise Rejected(BAD_COUNTRY, "countries is not a mapping of roles to lists of codes")
    for code in (*draft.countries_key, *(code for codes in named.values() for code in codes)):
        if not isinstance(code, str) or not _COUNTRY.fullmatch(code):
            raise Rejected(BAD_COUNTRY, f"{str(code)[:20]!r} is no ISO 3166 alpha-3 code in capitals")
    return tuple(dict.fromkeys(draft.countries_key))


def _identity(draft: Draft, time: datetime, until: datetime | None, data: Mapping[str, Any]) -> str:
    if not draft.source.strip() or _CONTROL.search(draft.source + draft.id + draft.subject):
        raise Rejected(MISSING_ID, "source, id and subject are one line of text, and source is not empty")
    if draft.id and not draft.id.strip():
        raise Rejected(MISSING_ID, "the id is blank")
    if max(len(draft.id), len(draft.source), len(draft.subject)) > MAX_ID:
        raise Rejected(TOO_LARGE, f"id, source or subject has more than {MAX_ID} characters")
    return draft.id.strip() or content_id(draft.source, draft.type, time, until, draft.subject, data)


def _checked_data(data: Any) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise Rejected(BAD_DATA, "data is not an object")
    plain: dict[str, Any] = _plain(data, "data", 0)
    try:
        size = len(canonical(plain))
    except UnicodeEncodeError:
        raise Rejected(BAD_DATA, "data holds half a surrogate pair, which is no text") from None
    if size > MAX_DATA_BYTES:
        raise Rejected(TOO_LARGE, f"data has {size:,} bytes, more than {MAX_DATA_BYTES:,}")
    for name in _QUOTES:
        value = plain.get(name)
        text = value.get("text") if isinstance(value, dict) else value
        if isinstance(text, str) and len(text) > MAX_QUOTE:
            raise Rejected(TOO_LARGE, f"{name} has {len(text):,} characters; a quote has at most {MAX_QUOTE}")
    return plain


def _plain(value: Any, path: str, depth: int) -> Any:
    """A copy that is JSON and nothing else: no NaN, no odd type, no deep nest, no integer beyond 64 bits."""
    if depth > MAX_DEPTH:
        raise Rejected(BAD_DATA, f"nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if not -_MAX_INTEGER <= value < _MAX_INTEGER:
            raise Rejected(BAD_DATA, f"{path} is an integer beyond 64 bits")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Rejected(NOT_FINITE, f"{path} is {value}")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise Rejected(BAD_DATA, f"{path} has a key that is no text")
        return {key: _plain(inner, f"{path}.{key[:40]}"[:200], depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, path, depth + 1) for inner in value]
    raise Rejected(BAD_DATA, f"{path} is a {type(value).__name__}, which JSON does not have")


def _flags(data: Mapping[str, Any]) -> list[str]:
    flags = data.get("flags")
    return [flag for flag in flags if isinstance(flag, str)] if isinstance(flags, list) else []
