"""Watchlists: who and what is watched, and by which names. Text in, entries out.

Lookups are by id, exact name or alias only, folded (case, accents, punctuation, order of commas kept apart); there is
no fuzzy match: on real ministerial diaries every fuzzy company match was wrong (DECISIONS.md).
"""

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from almenara.domain.errors import Fault

COLUMNS: Final = (
    "id", "name", "kind", "link", "aliases", "basis", "confidence", "valid_from", "valid_to", "review_by", "note",
)  # fmt: skip
LINKS: Final = ("soe", "party", "state_body", "diplomat", "private", "unknown", "official", "")

Entry = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Watchlist:
    """One list. `version` is a short hash of its content; `by_id` and `by_name` hold whole rows."""

    name: str
    version: str
    entries: tuple[Entry, ...]
    by_id: Mapping[str, Entry] = field(repr=False)
    by_name: Mapping[str, Entry] = field(repr=False)

    def entry(self, text: str) -> Entry | None:
        """The entry with this id, name or alias, or None."""
        return self.by_id.get(text) or self.by_name.get(fold(text))


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """One spelling for comparison: no case, no accents (n-tilde folds to n), punctuation as one space."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in kept).split())


def parse(name: str, text: str, file: str) -> tuple[Watchlist, list[Fault]]:
    """The list of a CSV text, and every fault with its line; rows with faults are left out."""
    faults: list[Fault] = []
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or []
    missing = [column for column in ("id", "name") if column not in columns]
    if missing:
        faults.append(Fault(file, 1, f"no column {' and no column '.join(missing)}", f"columns: {','.join(COLUMNS)}"))
        return _build(name, text, ()), faults
    for column in columns:
        if column not in COLUMNS:
            faults.append(Fault(file, 1, f"unknown column '{column}'", f"columns: {','.join(COLUMNS)}"))
    rows: list[Entry] = []
    seen: dict[str, int] = {}
    for line, row in enumerate(reader, start=2):
        entry = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        wrong = list(_row_faults(entry, row, file, line, seen))
        faults += wrong
        if not wrong:
            seen[entry["id"]] = line
            rows.append(entry)
    return _build(name, text, tuple(rows)), faults


def names_of(entry: Entry) -> list[str]:
    """The entry's name and its aliases, as written."""
    return [entry["name"], *(alias.strip() for alias in entry.get("aliases", "").split("|") if alias.strip())]


def _row_faults(
    entry: Entry, row: Mapping[str | None, object], file: str, line: int, seen: Mapping[str, int]
) -> Iterator[Fault]:
    if None in row:
        yield Fault(file, line, "more fields than columns", "quote a field that holds a comma")
    if not entry["id"] or not entry["name"]:
        yield Fault(file, line, "id and name must not be empty", "fill them or remove the row")
    elif entry["id"] in seen:
        yield Fault(file, line, f"the id '{entry['id']}' stands in line {seen[entry['id']]} too", "keep one row")
    if entry.get("link", "") not in LINKS:
        yield Fault(file, line, f"unknown link '{entry['link']}'", f"one of {', '.join(LINKS[:-1])}")
    for column in ("valid_from", "valid_to", "review_by"):
        if entry.get(column) and not _is_date(entry[column]):
            yield Fault(file, line, f"{column} '{entry[column]}' is no date", "write YYYY-MM-DD")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _build(name: str, text: str, rows: tuple[Entry, ...]) -> Watchlist:
    by_name: dict[str, Entry] = {}
    for entry in rows:
        for spelling in names_of(entry):
            by_name.setdefault(fold(spelling), entry)
    version = hashlib.sha256(text.encode()).hexdigest()[:8]
    return Watchlist(name, version, rows, {entry["id"]: entry for entry in rows}, by_name)
