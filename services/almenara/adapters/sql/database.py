"""Connections, transactions and errors of both databases; the one place that translates SQLAlchemy's errors.

A write is a function that may run again: it is handed a connection inside a transaction that is committed after it.
Knows none of the tables.
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy import exc as sa

from almenara.domain.errors import AlmenaraError, Refused, Unreachable

BUSY_S: Final = 30.0
WAL_TRIES: Final = 100
"""How long a writer waits for another process that writes to the same SQLite file."""
CONNECT_S: Final = 10
ASLEEP_S: Final = 10
"""How long a process may fall silent inside a transaction: then PostgreSQL ends its connection, and with it its locks,
for which others may be waiting. Ours last for milliseconds; a process that was stopped or a machine that went away
would hold them for ever."""

_TRIES: Final = 8
_PAUSE_S: Final = 0.01
# Two appenders met: a repeated id in another partition, a deadlock, a serialization failure. Running again mends it.
_AGAIN: Final = frozenset({"23505", "40001", "40P01"})
_READ_ONLY: Final = "25006"
_MAP: Final = "PRAGMA mmap_size = 1073741824"
"""How much of a SQLite file is read as memory, in bytes: records of a partition lie apart, a system call for each."""
_WRITES: Final = "almenara_writes"

BINARY: Final = "almenara_binary"
"""The execution option of a statement whose rows PostgreSQL sends in binary."""

T = TypeVar("T")


class Database:
    """One database. Bears use by several threads."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        """Connects to nothing yet. With `read_only` the database itself refuses every write (Refused).

        Raises Refused for a URL that names neither SQLite nor PostgreSQL.
        """
        self.url = parsed(url)
        self._engine = _engine(self.url, read_only=read_only)
        self._reading = self._engine if self.sqlite else self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writing = self._engine.execution_options(**{_WRITES: True})
        # SQLite has one writer: threads of this process queue here instead of polling the file.
        self._turn: Any = threading.Lock() if self.sqlite else nullcontext()

    @property
    def sqlite(self) -> bool:
        """Whether it is SQLite; else it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """The URL as it may be shown: without the password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None."""
        return Path(self.url.database or "") if self.sqlite else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for single statements, each its own transaction. Raises Unreachable."""
        with self.translated(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end; in SQLite with the write lock. Raises Unreachable."""
        with self.translated(), self._turn, self._writing.begin() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction; again from the start when it met another writer. Raises Unreachable."""
        for attempt in range(1, _TRIES + 1):
            try:
                with self.writing() as connection:
                    return work(connection)
            except _Again as again:
                if attempt == _TRIES:
                    raise Unreachable(f"{self.name}: {_TRIES} transactions failed: {again}") from again
                time.sleep(random.uniform(0, _PAUSE_S * attempt))  # noqa: S311 - spreads writers, hides nothing
        raise AssertionError

    def close(self) -> None:
        """Closes the connections that are not in use."""
        self._engine.dispose()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turns SQLAlchemy's errors into ours; no message holds the password."""
        try:
            yield
        except sa.DBAPIError as error:
            raise self._translate(error) from None
        except sqlite3.Error as error:  # of a statement that went to the driver by itself
            known = sa.OperationalError if isinstance(error, sqlite3.OperationalError) else sa.DBAPIError
            raise self._translate(known(None, None, error)) from None
        except sa.SQLAlchemyError as error:
            raise Unreachable(f"{self.name}: {self._safe(error)}") from None

    def _translate(self, error: sa.DBAPIError) -> AlmenaraError:
        text = self._safe(error.orig or error)
        state = getattr(error.orig, "sqlstate", None)
        if state in _AGAIN:
            return _Again(f"{self.name}: {text}")
        if state == "42P01" or text.startswith("no such table"):
            return Refused(f"{self.name} has no tables of Almenara: {text}; run `almenara migrate`")
        if state == _READ_ONLY or "readonly database" in text:
            return Refused(f"{self.name} was opened only to be read: {text}")
        if isinstance(error, sa.OperationalError | sa.InterfaceError) or error.connection_invalidated:
            return Unreachable(f"{self.name} cannot be reached: {text}")
        return AlmenaraError(f"{self.name}: {text}")

    def _safe(self, error: BaseException) -> str:
        text = " ".join(str(error).split())
        password = self.url.password
        return text.replace(str(password), "***") if password else text


class _Again(AlmenaraError):
    """The transaction met another one and may run again."""


def parsed(url: str) -> URL:
    """The URL, checked. Raises Refused, without repeating what may hold a password."""
    try:
        found = make_url(url)
    except (sa.ArgumentError, ValueError):
        raise Refused("the database URL cannot be read; write sqlite:///FILE or postgresql+psycopg://...") from None
    if found.drivername == "postgresql":
        found = found.set(drivername="postgresql+psycopg")
    if found.drivername in ("sqlite", "sqlite+pysqlite") and found.database not in (None, "", ":memory:"):
        return found
    if found.drivername == "postgresql+psycopg":
        return found
    raise Refused(f"a database by {found.drivername} is not supported; sqlite:///FILE or postgresql+psycopg://...")


def _engine(url: URL, *, read_only: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        # A stock of connections as large as a process has threads that write; more wait.
        arguments: dict[str, Any] = {
            "connect_timeout": CONNECT_S,
            "application_name": "almenara",
            "client_encoding": "utf8",
        }
        # Whoever waited for a row must see it as it is then, whatever the server's own default says.
        level = "READ COMMITTED"
        options = f"{url.query.get('options', '')} -c idle_in_transaction_session_timeout={ASLEEP_S}s"
        options += " -c default_transaction_read_only=on" if read_only else ""
        arguments["options"] = options.strip()
        engine = create_engine(url, connect_args=arguments, isolation_level=level, pool_size=5, max_overflow=15)
        event.listen(engine, "before_cursor_execute", _in_binary)
        return engine
    copy = _read_only(url, asked=read_only)
    engine = create_engine(copy or url, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _leave_as_it_is if copy else _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _read_only(url: URL, *, asked: bool) -> URL | None:
    """The URL that only reads a file: because it was asked for, or where nothing can be written (an auditor's copy).

    None for a file that is to be written, and for one that is not there.
    """
    file = Path(url.database or "").absolute()
    if not file.is_file():
        return None
    if os.access(file, os.W_OK) and os.access(file.parent, os.W_OK):
        return url.set(database=file.as_uri(), query={"mode": "ro", "uri": "true"}) if asked else None
    log_of_writes = file.with_name(f"{file.name}-wal")
    # Nobody changes it, so it needs no locks; but what still stands in a write-ahead log must be read from there.
    whole = not log_of_writes.exists() or not log_of_writes.stat().st_size
    query = {"mode": "ro", "uri": "true"} | ({"immutable": "1"} if whole else {})
    return url.set(database=file.as_uri(), query=query)


def _in_binary(_: Connection, cursor: Any, *call: Any) -> None:
    # Bodies come as bytes, not as twice as many hexadecimal digits that have to be read.
    _statement, _values, context, _many = call
    if context is not None and context.execution_options.get(BINARY):
        cursor.format = 1  # psycopg.pq.Format.BINARY


def _leave_as_it_is(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    connection.execute(_MAP)


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    connection.execute(_MAP)
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # NORMAL would lose the last commits with the power


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # Of two that make one file at once, one is told that it is locked without any waiting: it looks again.
    for again in range(WAL_TRIES, 0, -1):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if again == 1:
                raise
            time.sleep(BUSY_S / WAL_TRIES)


def _begin_sqlite(connection: Connection) -> None:
    # Writers take the lock at once: a read that turned into a write could fail halfway.
    if connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
