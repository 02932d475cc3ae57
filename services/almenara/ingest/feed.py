"""Entries of a parsed RSS or Atom feed into drafts of `article.published`, and the reading itself.

Pure: the feed was fetched and parsed by others, and is given as plain dictionaries.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Any, Final

from almenara.domain.errors import AlmenaraError, Rejected
from almenara.domain.ids import content_id
from almenara.ingest.checked import Previous, Reading, ReadOutcome, checked, compare
from almenara.ingest.draft import Draft, cut_quote
from almenara.ingest.feed_dates import read_date
from almenara.ingest.sources import SourceSpec
from almenara.ports.source import Fetched

ARTICLE: Final = "article.published"
EMPTY_ITEM: Final = "empty_item"
BAD_LINK: Final = "bad_link"

MAX_LINK: Final = 2_000
MAX_RAW: Final = 20_000
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2,3})([-_][A-Za-z0-9-]{1,20})?", re.ASCII)

Parsed = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReading:
    """What a reading gave: the articles, the reading itself (`source.checked`), and the entries that say nothing."""

    drafts: tuple[Draft, ...] = ()
    checked: Draft
    rejected: tuple[Rejected, ...] = field(default=())


def read_feed(
    spec: SourceSpec, fetched: Fetched, parsed: Parsed, at: datetime, *, previous: Previous | None = None
) -> FeedReading:
    """The reading of a feed at `at`. `parsed` may be empty where the document is unchanged.

    It covers from the last reading's end, or from its oldest article, until now.
    """
    if fetched.unchanged:
        start = previous.covers[1] if previous else at
        rows, sha256 = (previous.rows, previous.sha256) if previous else (0, "")
        return FeedReading(checked=_checked(spec, at, start, ReadOutcome.UNCHANGED, rows=rows, sha256=sha256))
    drafts: list[Draft] = []
    rejected: list[Rejected] = []
    for entry in _entries(parsed):
        try:
            drafts.append(article(spec, parsed, entry, at))
        except Rejected as error:
            rejected.append(error)
    outcome = compare(len(drafts), fetched.sha256, previous)
    dated = [d.time for d in drafts if d.time <= at and not d.data.get("flags")]
    start = previous.covers[1] if previous else min(dated, default=at)
    more = {"flawed": True} if parsed.get("flawed") else None
    made = _checked(spec, at, start, outcome, rows=len(drafts), sha256=fetched.sha256, more=more)
    return FeedReading(drafts=tuple(drafts), checked=made, rejected=tuple(rejected))


def failed_feed(spec: SourceSpec, error: AlmenaraError, at: datetime, *, previous: Previous | None = None) -> Draft:
    """The record of a reading that failed, with the reason: it was tried, and proves nothing."""
    start = previous.covers[1] if previous else at
    reason = error.reason if isinstance(error, Rejected) else type(error).__name__.lower()
    return _checked(spec, at, start, ReadOutcome.FAILED, more={"reason": reason, "detail": str(error)[:300]})


def article(spec: SourceSpec, parsed: Parsed, entry: Parsed, at: datetime) -> Draft:
    """One entry as a draft. Without a usable date its time is `at`, and `data.flags` says so.

    Raises Rejected (`empty_item`) for one without title and text.
    """
    title = cut_quote(plain_text(entry.get("title")))
    summary = cut_quote(plain_text(entry.get("summary")))
    if not title and not summary:
        raise Rejected(EMPTY_ITEM, f"an entry without title and text ({_line(entry.get('id'))[:80] or 'no id'})")
    when = read_date(entry.get("published") or entry.get("updated"), spec.zone)
    link, guid = _line(entry.get("link")), _line(entry.get("id"))
    flags = [when.flag] if when.flag else []
    if link == guid and not link.lower().startswith("http"):
        link = ""  # parsers give the guid where there is no link
    if link and (not link.lower().startswith(("http://", "https://")) or len(link) > MAX_LINK):
        flags, link = [*flags, BAD_LINK], ""
    declared = entry.get("language") or _feed(parsed).get("language")
    data: dict[str, Any] = {
        "title": title,
        "summary": summary,
        "link": link,
        "language": language_of(declared) or spec.language,
        "outlet": cut_quote(plain_text(_feed(parsed).get("title"))),
        "reliability": spec.reliability,
        "tlp": spec.tlp,
    }
    identity = (guid, link) if guid or link else (title, summary)
    return Draft(
        id=content_id(spec.id, *identity),
        source=spec.id,
        type=ARTICLE,
        time=when.time or at,
        until=when.until,
        recorded=at,
        countries_key=(spec.country,),
        data={name: value for name, value in data.items() if value} | ({"flags": sorted(flags)} if flags else {}),
    )


def plain_text(value: object) -> str:
    """The words of an HTML fragment on one line: no tags, no scripts, no control characters."""
    if not isinstance(value, str) or not value:
        return ""
    value = _CONTROL.sub(" ", value[:MAX_RAW])
    if "<" in value or "&" in value:
        parser = _Words()
        parser.feed(value)
        parser.close()
        value = "".join(parser.words)
    return " ".join(_CONTROL.sub(" ", value).split())


def language_of(declared: object) -> str:
    """The two or three letters of a declared language (`es-PE` is `es`); empty when it is none."""
    matched = _LANGUAGE.fullmatch(declared.strip()) if isinstance(declared, str) else None
    return matched[1].lower() if matched else ""


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in ("script", "style")))
        self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def _entries(parsed: Parsed) -> list[Parsed]:
    entries = parsed.get("entries")
    return [e for e in entries if isinstance(e, Mapping)] if isinstance(entries, list | tuple) else []


def _feed(parsed: Parsed) -> Parsed:
    feed = parsed.get("feed")
    return feed if isinstance(feed, Mapping) else {}


def _line(value: object) -> str:
    return " ".join(_CONTROL.sub(" ", value).split()) if isinstance(value, str) else ""


def _checked(
    spec: SourceSpec,
    at: datetime,
    start: datetime,
    outcome: ReadOutcome,
    *,
    rows: int = 0,
    sha256: str = "",
    more: Mapping[str, Any] | None = None,
) -> Draft:
    covers = (min(start, at), at)
    reading = Reading(
        source=spec.id,
        country=spec.country,
        at=at,
        covers=covers,
        outcome=outcome,
        rows=rows,
        sha256=sha256,
        polled=True,
        more=more,
    )
    return checked(reading)
