"""The log as a table: appended under the counter row of each partition, so that sequences have no gaps.

The order of sequences is the order of commits: whoever holds a counter row holds back everyone behind it. Counter rows
are taken in order of (stream, partition), so that two appenders never wait for each other.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from almenara.adapters.sql import schema
from almenara.adapters.sql.database import BINARY, Database
from almenara.adapters.sql.often import Often, driver
from almenara.ports.log import GENESIS, Appended, Entry, Record, chain_of, place

_COUNTERS: Final = schema.partitions.c

_END: Final = select(_COUNTERS.last).where(_COUNTERS.stream == bindparam("s"), _COUNTERS.partition == bindparam("p"))
_ENDS: Final = select(_COUNTERS.partition, _COUNTERS.last).where(_COUNTERS.stream == bindparam("s"))
_LOCKED: Final = (
    select(_COUNTERS.stream, _COUNTERS.partition, _COUNTERS.last, _COUNTERS.chain)
    .where(tuple_(_COUNTERS.stream, _COUNTERS.partition).in_(bindparam("places", expanding=True)))
    .order_by(_COUNTERS.stream, _COUNTERS.partition)
    .with_for_update()
)
# SQLite has one writer, who holds all of them: no need to take them in one statement.
_COUNTER: Final = Often(
    select(_COUNTERS.last, _COUNTERS.chain).where(
        _COUNTERS.stream == bindparam("s"), _COUNTERS.partition == bindparam("p")
    )
)
_ADVANCE: Final = Often(
    update(schema.partitions)
    .where(_COUNTERS.stream == bindparam("s"), _COUNTERS.partition == bindparam("p"))
    .values(last=bindparam("to"), chain=bindparam("head"))
)

# Written for the drivers: a thousand ids or rows go over as one parameter or one statement, and come back as they are.
# SQLite gives a forged body in whatever type it was written; the cast makes it bytes, for the chain to tell.
_READ_SQLITE: Final = (
    "SELECT sequence, key, id, CAST(body AS BLOB), chain FROM records "
    "WHERE stream = ? AND partition = ? AND sequence > ? ORDER BY sequence LIMIT ?"
)
_READ_POSTGRESQL: Final = (
    "SELECT sequence, key, id, body, chain FROM records "
    "WHERE stream = %s AND partition = %s AND sequence > %s ORDER BY sequence LIMIT %s"
)
_KNOWN_SQLITE: Final = "SELECT id FROM records WHERE stream = ? AND id IN (SELECT value FROM json_each(?))"
_KNOWN_POSTGRESQL: Final = "SELECT id FROM records WHERE stream = %(stream)s AND id = ANY(%(ids)b::text[])"
_INSERT_SQLITE: Final = (
    "INSERT INTO records (stream, partition, sequence, key, id, body, chain) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_POSTGRESQL: Final = (
    "INSERT INTO records (stream, partition, sequence, key, id, body, chain) "
    "SELECT * FROM unnest(%(stream)b::text[], %(partition)b::int[], %(sequence)b::bigint[], "
    "%(key)b::text[], %(id)b::text[], %(body)b::bytea[], %(chain)b::bytea[])"
)
_NAMES: Final = ("stream", "partition", "sequence", "key", "id", "body", "chain")


@dataclass(slots=True)
class _Counter:
    """A counter row in hand: the last sequence and its chain value."""

    last: int = 0
    chain: bytes = field(default=GENESIS)


class SqlLog:
    """LogReader and LogWriter."""

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions

    @property
    def partitions(self) -> int:
        """How many partitions every stream has."""
        return self._partitions

    def read(self, stream: str, partition: int, after: int, limit: int = 1000) -> list[Record]:
        """At most `limit` records with a sequence greater than `after`, in order. Raises Unreachable."""
        with self._database.reading() as connection:
            statement = _READ_SQLITE if self._database.sqlite else _READ_POSTGRESQL
            values = (stream, partition, after, limit)
            rows = connection.exec_driver_sql(statement, values, execution_options={BINARY: True}).all()
        return [Record(stream, partition, *row) for row in rows]

    def end(self, stream: str, partition: int) -> int:
        """The last sequence there is; 0 for an empty partition. Raises Unreachable."""
        with self._database.reading() as connection:
            return connection.scalar(_END, {"s": stream, "p": partition}) or 0

    def ends(self, stream: str) -> dict[int, int]:
        """The last sequence of each partition; one that is empty may be missing. Raises Unreachable."""
        with self._database.reading() as connection:
            return {row.partition: row.last for row in connection.execute(_ENDS, {"s": stream})}

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Appends what is new, in order, in one transaction. Raises Rejected (nothing is stored) and Unreachable."""
        if not entries:
            return Appended(0)
        return self._database.write(lambda connection: append(connection, entries, self._partitions))


def append(connection: Connection, entries: Iterable[Entry], partitions: int) -> Appended:
    """Appends inside a transaction of the caller's."""
    placed = [(entry, place(entry, partitions)) for entry in entries]
    if not placed:
        return Appended(0)
    counters = _locked(connection, sorted({(entry.stream, partition) for entry, partition in placed}))
    known = _known(connection, [entry for entry, _ in placed])
    repeated: list[str] = []
    rows: list[tuple[Any, ...]] = []
    for entry, partition in placed:
        seen = known[entry.stream]
        if entry.id in seen:
            repeated.append(entry.id)
            continue
        seen.add(entry.id)
        counter = counters[entry.stream, partition]
        counter.last += 1
        counter.chain = chain_of(counter.chain, entry, partition, counter.last)
        rows.append((entry.stream, partition, counter.last, entry.key, entry.id, entry.body, counter.chain))
    if rows:
        _insert(connection, rows)
        moved = sorted({(row[0], row[1]) for row in rows})
        for s, p in moved:
            _ADVANCE.change(connection, {"s": s, "p": p, "to": counters[s, p].last, "head": counters[s, p].chain})
    return Appended(len(rows), tuple(repeated))


def _locked(connection: Connection, places: list[tuple[str, int]]) -> dict[tuple[str, int], _Counter]:
    """Takes the counter rows, in order, and makes those that are missing."""
    rows = _counted(connection, places)
    if len(rows) < len(places):
        new = [{"stream": s, "partition": p, "last": 0, "chain": GENESIS} for s, p in places]
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(schema.partitions).on_conflict_do_nothing(), new)
        rows = _counted(connection, places)
    return {(stream, partition): _Counter(last, chain) for stream, partition, last, chain in rows}


def _counted(connection: Connection, places: list[tuple[str, int]]) -> list[tuple[str, int, int, bytes]]:
    if connection.dialect.name != "sqlite":
        return [tuple(row) for row in connection.execute(_LOCKED, {"places": places})]
    found = (((s, p), _COUNTER.rows(connection, {"s": s, "p": p})) for s, p in places)
    return [(*place_, *row) for place_, rows in found for row in rows]


def _known(connection: Connection, entries: list[Entry]) -> dict[str, set[str]]:
    """Of each stream, the ids among the entries that the log has already."""
    asked: dict[str, list[str]] = {}
    for entry in entries:
        asked.setdefault(entry.stream, []).append(entry.id)
    found: dict[str, set[str]] = {}
    for stream, ids in asked.items():
        if connection.dialect.name == "sqlite":
            rows = driver(connection).execute(_KNOWN_SQLITE, (stream, json.dumps(ids)))
            found[stream] = {row[0] for row in rows}
        else:
            rows = connection.exec_driver_sql(_KNOWN_POSTGRESQL, {"stream": stream, "ids": ids})
            found[stream] = set(rows.scalars())
    return found


def _insert(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "sqlite":
        driver(connection).executemany(_INSERT_SQLITE, rows)
    else:
        columns = (list(column) for column in zip(*rows, strict=True))
        connection.exec_driver_sql(_INSERT_POSTGRESQL, dict(zip(_NAMES, columns, strict=True)))
