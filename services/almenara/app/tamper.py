"""Tampering, to show that it is found: one byte of one record is flipped in a copy of the log's file."""

import sqlite3
from contextlib import closing
from pathlib import Path

from almenara.domain.errors import Missing
from almenara.ports.log import Record


def flip_byte(database: Path, copy: Path, record: Record) -> None:
    """Copies the SQLite file and flips the lowest bit of one byte inside the record's body. Raises Missing."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    raw = bytearray(copy.read_bytes())
    body = record.body
    for start in range(0, len(body) - 24, 24):
        piece = body[start : start + 24]
        if raw.count(piece) == 1:
            raw[raw.find(piece) + 12] ^= 1
            copy.write_bytes(raw)
            return
    raise Missing(f"{record.position} does not stand in one piece in {copy.name}")
