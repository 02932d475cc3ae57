"""Watchlists: who and what is watched, and by which names. Text in, entries out.

Lookups are by id, exact name or alias only, folded (case, accents, punctuation, order of commas kept apart); there is
no fuzzy match: on real ministerial diaries every fuzzy company match was wrong (DECISIONS.md).
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from almenara.domain.errors import Fault
from almenara.engine.folding import fold

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

    def valid_entry(self, text: str, day: str) -> Entry | None:
        """The same, when the entry is valid on that day (ISO): from `valid_from` on, up to and with `valid_to`."""
        entry = self.entry(text)
        if entry is None:
            return None
        starts, ends = entry.get("valid_from", ""), entry.get("valid_to", "")
        return entry if (not starts or starts <= day) and (not ends or day <= ends) else None


def parse(name: str, text: str, file: str) -> tuple[Watchlist, list[Fault]]:
    """The list of a CSV text, and every fault with its line; rows with faults are left out."""
    faults: list[Fault] = []
    rows: list[Entry] = []
    reader = csv.DictReader(io.StringIO(text, newline=None))
    try:
        columns = reader.fieldnames or []
        faults += _column_faults(columns, file)
        if "id" in columns and "name" in columns:
            rows = _rows(reader, file, faults)
    except csv.Error as error:
        cure = "quote cells with commas, and close the quotes"
        faults.append(Fault(file, reader.line_num + 1, f"not CSV: {error}", cure))
    return _build(name, text, tuple(rows)), faults


def names_of(entry: Entry) -> list[str]:
    """The entry's name and its aliases, as written."""
    return [entry["name"], *(alias.strip() for alias in entry.get("aliases", "").split("|") if alias.strip())]


def _column_faults(columns: Sequence[str], file: str) -> Iterator[Fault]:
    cure = f"columns: {','.join(COLUMNS)}"
    missing = [column for column in ("id", "name") if column not in columns]
    if missing:
        yield Fault(file, 1, f"no column {' and no column '.join(missing)}", cure)
        return
    for column in columns:
        if column not in COLUMNS:
            yield Fault(file, 1, f"unknown column '{column}'", cure)


def _rows(reader: "csv.DictReader[str]", file: str, faults: list[Fault]) -> list[Entry]:
    rows: list[Entry] = []
    seen: dict[str, int] = {}
    for row in reader:
        line = reader.line_num  # not the row's number: cells may span lines, and empty lines are no rows
        entry = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        wrong = list(_row_faults(entry, row, file, line, seen))
        faults += wrong
        seen.setdefault(entry["id"], line)
        if not wrong:
            rows.append(entry)
    return rows


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
