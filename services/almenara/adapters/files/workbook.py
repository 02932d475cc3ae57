"""The first sheet of an XLSX workbook as rows of text; bombs, truncated files and declared entities are refused."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from almenara.domain.errors import Fault, Faulty

MAX_UNPACKED: Final = 100_000_000
MAX_MEMBERS: Final = 2_000
_CHUNK: Final = 1_000_000
_OVERLAP: Final = 16
_DAMAGED: Final = "a damaged XLSX file (cut off, or not saved to the end)"
_AGAIN: Final = "export it again, or save it as CSV"
_ERRORS: Final = (
    zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError, KeyError, ValueError, TypeError, IndexError,
    AttributeError, NotImplementedError, RuntimeError,
)  # fmt: skip


def sheet_rows(body: bytes, file: str, *, max_rows: int, max_columns: int) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of the first sheet, numbered from 1, empty ones left out; cells as text, dates and times as ISO 8601.

    Raises Faulty for a file that cannot be read, is too large unpacked, or reaches `max_rows`.
    """
    _inspect(body, file)
    import openpyxl  # 0.2 s; only who reads a workbook pays for it

    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            # What the file says of its own size is not believed.
            sheet.reset_dimensions()
            rows = sheet.iter_rows(values_only=True, max_row=max_rows, max_col=max_columns)
            number = 0
            for number, cells in enumerate(rows, start=1):
                # Rows come filled up to the last column that was asked for.
                used = max((index for index, cell in enumerate(cells, start=1) if cell is not None), default=0)
                if used:
                    yield number, [_text(cell) for cell in cells[:used]]
            if number >= max_rows:
                what = f"more than {max_rows - 2:,} rows, empty ones counted"
                raise Faulty([Fault(file, number, what, "remove the empty rows, or export fewer days at once")])
        finally:
            book.close()
    except Faulty:
        raise
    except _ERRORS as error:
        raise Faulty([Fault(file, 0, _DAMAGED, _AGAIN)]) from error


def _inspect(body: bytes, file: str) -> None:
    """Unpacks every part once, counting: what the archive says of its own sizes is not believed."""
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise Faulty([Fault(file, 0, f"an archive of {len(members):,} files, no workbook", _AGAIN)])
            if "[Content_Types].xml" not in archive.namelist():
                raise Faulty([Fault(file, 0, "a ZIP archive, not an XLSX workbook", "unpack it and import the table")])
            for member in members:
                left = _unpack(archive, member, left, file)
    except Faulty:
        raise
    except _ERRORS as error:
        raise Faulty([Fault(file, 0, _DAMAGED, _AGAIN)]) from error


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, file: str) -> int:
    tail = b""
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                what = f"unpacks to more than {MAX_UNPACKED:,} bytes (a bomb?)"
                raise Faulty([Fault(file, 0, what, "export fewer days at once, or save it as CSV")])
            seen = (tail + chunk).replace(b"\0", b"")
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                what = f"'{member.filename[:60]}' declares entities, as no workbook does"
                raise Faulty([Fault(file, 0, what, _AGAIN)])
            tail = chunk[-_OVERLAP:]
    return left


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
