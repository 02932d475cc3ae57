"""What comes out of a source before anything is understood of it: a document that was fetched, a table that was read.

Says nothing of how it was fetched or read, nor of what it means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One document as fetched. `unchanged` means that the other side says so (304): then there is no body.

    `etag` and `last_modified` are to be given back at the next fetch. `sha256` is of the body, as hex digits.
    """

    url: str
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    sha256: str = ""
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its number in the file (from 1), and its cells as text by column, without empty ones."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as read. `columns` are the headers as written; `header` is the row in which they stand.

    `sha256` is of the whole file, as hex digits.
    """

    file: str
    sha256: str
    header: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...] = field(repr=False)
