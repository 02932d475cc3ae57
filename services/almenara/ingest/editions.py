"""Editions of a country list (visa restrictions, bonds, pauses): read, compared with the one before, made event data.

Pure: texts in, data out. The watched countries and their region are parameters; nothing here knows rules or alerts.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from almenara.domain.errors import Fault
from almenara.ingest.countries import Countries
from almenara.ingest.edition_text import describe, printings_differ

LIST_COLUMNS: Final = ("country_as_written", "status")
LISTED: Final = "listed"

ADDED: Final = "added"
REMOVED: Final = "removed"
MOVED: Final = "moved"

Listed = Mapping[str, str]
"""The countries of one printing: alpha-3 code to status (`full`, `partial`, or `listed` where there is one kind)."""


@dataclass(frozen=True, slots=True)
class Printing:
    """One source's printing of an edition: how many countries it says there are, and those that it prints."""

    source: str
    says: int | None
    listed: Listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One edition of a list family. `announced` and `effective` are days (ISO).

    Where the whole list was not captured (`complete` False) only `named` additions are known, and the counts as told.
    """

    family: str
    name: Mapping[str, str]
    announced: str
    effective: str
    issuer: str = "USA"
    printings: tuple[Printing, ...] = ()
    official: bool = False
    complete: bool = True
    named: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def base(self) -> Printing | None:
        """The printing that the comparison uses: the first whose length is what it says, else the longest."""
        whole = [p for p in self.printings if p.says == len(p.listed)]
        longest = sorted(self.printings, key=lambda p: -len(p.listed))
        return next(iter(whole or longest), None)

    @property
    def listed(self) -> Listed:
        """Who is on it, as far as it was captured."""
        return self.base.listed if self.complete and self.base else dict.fromkeys(self.named, LISTED)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one country between two editions; `before` and `after` are its statuses."""

    country: str
    change: str
    before: str = ""
    after: str = ""

    def data(self) -> dict[str, str]:
        """As event data: `from` and `to` only where there is something to say."""
        found = {"country": self.country, "change": self.change}
        return found | {key: value for key, value in (("from", self.before), ("to", self.after)) if value}


def read_list(text: str, file: str, countries: Countries) -> tuple[dict[str, str], list[Fault]]:
    """One printing, from a CSV with the columns country_as_written, status; faults name the row."""
    listed: dict[str, str] = {}
    faults: list[Fault] = []
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != LIST_COLUMNS:
        return {}, [Fault(file, 1, "not a printed list", f"columns: {','.join(LIST_COLUMNS)}")]
    for row in reader:
        line, written = reader.line_num, str(row["country_as_written"] or "").strip()
        codes = countries.of(written)
        if len(codes) != 1:
            what = f"'{written}' may be {' or '.join(codes)}" if codes else f"'{written}' is no known country"
            faults.append(Fault(file, line, what, "write the full name, or add the spelling to countries.csv"))
        elif codes[0] in listed:
            faults.append(Fault(file, line, f"'{written}' ({codes[0]}) stands twice", "keep one row"))
        else:
            listed[codes[0]] = str(row["status"] or "").strip() or LISTED
    return listed, faults


def difference(before: Listed, after: Listed) -> tuple[Change, ...]:
    """What changed from one edition to the next, in order of country."""
    found: list[Change] = []
    for code in sorted({*before, *after}):
        was, now = before.get(code, ""), after.get(code, "")
        if was != now:
            kind = MOVED if was and now else ADDED if now else REMOVED
            found.append(Change(code, kind, was, now))
    return tuple(found)


def edition_data(
    edition: Edition, previous: Edition | None, countries: Countries, *, watched: Sequence[str], region: Sequence[str]
) -> dict[str, Any]:
    """The data of the `list.changed` event of an edition; `previous` is the last whole edition of its family."""
    changes = _changes(edition, previous)
    on_it = sorted(code for code in {*watched, *region} if code in edition.listed)
    touched = {change.country for change in changes} | set(on_it)
    absent = sorted(code for code in watched if code not in touched)
    counts = _counts(edition, previous)
    data: dict[str, Any] = {
        "list": {"id": edition.family, "name": dict(edition.name)},
        "edition": {"announced": edition.announced, "effective": edition.effective},
        "changes": [change.data() for change in changes],
        "change": sorted({change.change for change in changes}),
        "counts": counts,
        "on_it": on_it,
        # What a message needs is carried: it knows no table of countries.
        "names": {code: countries.both(code) for code in sorted(touched)},
        "captured": "full" if edition.complete else "partial",
        "provisional": not edition.official,
        "printings": [_printing(p, edition.base, edition.complete) for p in edition.printings],
        "countries": {
            "actor": [edition.issuer],
            "affected": sorted(code for code in watched if code in touched),
            "checked_absent": absent,
        },
    }
    if previous is not None and edition.complete:
        data["edition"]["compared_with"] = previous.announced
    if not edition.complete:
        data["not_named"] = absent
    data["summary"] = describe(data, countries, watched=watched, first=edition.complete and previous is None)
    differences = printings_differ(data["printings"], countries) if edition.complete else None
    return data | ({"differences": differences} if differences else {})


def _changes(edition: Edition, previous: Edition | None) -> tuple[Change, ...]:
    if edition.complete:
        return difference(previous.listed if previous else {}, edition.listed)
    return tuple(Change(code, ADDED) for code in sorted(edition.named))


def _counts(edition: Edition, previous: Edition | None) -> dict[str, int]:
    if not edition.complete:
        return dict(edition.counts)
    kinds = Counter(edition.listed.values())
    split = dict(sorted(kinds.items())) if set(kinds) != {LISTED} else {}
    return {"before": len(previous.listed) if previous else 0, "after": len(edition.listed), **split}


def _printing(printing: Printing, base: Printing | None, complete: bool) -> dict[str, Any]:
    says = {} if printing.says is None else {"says": printing.says}
    if not complete or base is None:
        return {"source": printing.source, **says}
    return {
        "source": printing.source,
        **says,
        "prints": len(printing.listed),
        "missing": sorted(set(base.listed) - set(printing.listed)),
        "extra": sorted(set(printing.listed) - set(base.listed)),
    }
