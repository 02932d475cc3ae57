"""Tables that people bring: bytes of a CSV or XLSX file into rows of text, with bounds on everything.

Columns that must not be kept are dropped here, before anything else sees them. Knows nothing of what columns mean.
"""

import csv
import hashlib
import io
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from almenara.adapters.files.workbook import sheet_rows
from almenara.domain.errors import Fault, Faulty
from almenara.engine.folding import fold
from almenara.ports.source import Row, Table

MAX_BYTES: Final = 50_000_000
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 200
MAX_CELL: Final = 10_000
HEADER_WITHIN: Final = 20
SEPARATORS: Final = (",", ";", "\t")

_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_MARKUP: Final = (b"<html", b"<!doctype", b"<table", b"<?xml")

Grid = list[tuple[int, Sequence[str]]]


def read_table(body: bytes, file: str, *, known: Collection[str], drop: Collection[str] = ()) -> Table:
    """The table of a file. The header is the first of the top rows with the most `known` headers (at least two).

    `known` and `drop` are headers in any case and with or without accents; dropped columns are nowhere in the answer.
    Raises Faulty, naming file, row and cure, for what cannot be read.
    """
    if len(body) > MAX_BYTES:
        raise _faulty(file, 0, f"larger than {MAX_BYTES:,} bytes", "export fewer days at once")
    wanted = {fold(name) for name in known}
    grid = _workbook(body, file) if body.startswith(_ZIP) else _text(body, file, wanted)
    place = _header(grid, wanted)
    if place is None:
        first = next((", ".join(c for c in cells if c)[:200] for _, cells in grid[:HEADER_WITHIN] if any(cells)), "")
        cure = f"one of the first {HEADER_WITHIN} rows must name the columns" + (f"; found: {first}" if first else "")
        raise _faulty(file, 1, "no row of known column headers", cure)
    return _table(grid, place, file, body, {fold(name) for name in drop})


def _table(grid: Grid, place: int, file: str, body: bytes, drop: set[str]) -> Table:
    number, headers = grid[place]
    columns: dict[int, str] = {}
    for index, header in enumerate(headers):
        if not header or fold(header) in drop:
            continue
        if header in columns.values():
            raise _faulty(file, number, f"the column '{header}' stands twice", "remove one of the two")
        columns[index] = header
    rows = []
    for row, cells in grid[place + 1 :]:
        kept = {columns[i]: cell for i, cell in enumerate(cells) if i in columns and cell}
        if kept:
            rows.append(Row(row, kept))
    digest = hashlib.sha256(body).hexdigest()
    return Table(file=file, sha256=digest, header=number, columns=tuple(columns.values()), rows=tuple(rows))


def _header(grid: Grid, wanted: set[str]) -> int | None:
    scores = [sum(fold(cell) in wanted for cell in cells) for _, cells in grid[:HEADER_WITHIN]]
    best = max(scores, default=0)
    return scores.index(best) if best >= 2 else None


def _workbook(body: bytes, file: str) -> Grid:
    return _bounded(sheet_rows(body, file, max_rows=MAX_ROWS + 2, max_columns=MAX_COLUMNS + 1), file)


def _text(body: bytes, file: str, wanted: set[str]) -> Grid:
    if body.startswith(_OLD_EXCEL):
        raise _faulty(file, 0, "an old Excel file (.xls) or one with a password", "save it as XLSX or CSV")
    if body.lstrip()[:20].lower().startswith(_MARKUP):
        raise _faulty(file, 1, "a web page, not a table", "the export did not work (captcha?); export it again")
    text = _decoded(body, file)
    found = [(sum(fold(c) in wanted for _, cells in _csv(text, sep, file, HEADER_WITHIN) for c in cells), sep)
             for sep in SEPARATORS]  # fmt: skip
    best = max(found, key=lambda scored: scored[0])
    return _bounded(_csv(text, best[1], file, None), file)


def _csv(text: str, separator: str, file: str, most: int | None) -> Iterable[tuple[int, Sequence[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    started = 1
    try:
        for cells in reader:
            yield started, cells
            started = reader.line_num + 1
            if most is not None and started > most:
                return
    except csv.Error as error:
        raise _faulty(file, reader.line_num, f"not a CSV table: {error}", "check the quotes in this row") from None


def _decoded(body: bytes, file: str) -> str:
    marked = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ("utf-16",) if marked else ("utf-8-sig", "latin-1")
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise _faulty(file, 0, "neither a text table nor XLSX", "export it again as CSV (UTF-8) or XLSX")


def _bounded(rows: Iterable[tuple[int, Sequence[str]]], file: str) -> Grid:
    grid: Grid = []
    for number, cells in rows:
        if len(grid) > MAX_ROWS:
            raise _faulty(file, number, f"more than {MAX_ROWS:,} rows", "export fewer days at once")
        if len(cells) > MAX_COLUMNS:
            raise _faulty(file, number, f"more than {MAX_COLUMNS} columns", "check the separator and the quotes")
        clean = [" ".join(cell.split()) for cell in cells]
        if any(len(cell) > MAX_CELL for cell in clean):
            raise _faulty(
                file, number, f"a cell with more than {MAX_CELL:,} characters", "check the quotes in this row"
            )
        grid.append((number, clean))
    return grid


def _faulty(file: str, row: int, what: str, cure: str) -> Faulty:
    return Faulty([Fault(file, row, what, cure)])
