"""Statements that run for every message that is sent: compiled once, and in SQLite run by the driver itself.

SQLAlchemy takes several times as long around such a statement as SQLite takes for it. The text is still the one that
SQLAlchemy writes; only its way to the driver is a shorter one. Values and rows go over as the driver has them: a truth
is 0 or 1. Knows none of the tables.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Delete, Select, Update
from sqlalchemy.dialects import sqlite

_LIST: Final = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)")
_NONE: Final = "(SELECT 1 FROM (SELECT 1) WHERE 1 != 1)"

Core = Select[Any] | Update | Delete


class Often:
    """One statement with named values; a value may be a list where the statement has `expanding` ones."""

    def __init__(self, core: Core) -> None:
        self._core = core
        compiled = core.compile(dialect=sqlite.dialect())
        self._text = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._given: dict[str, Any] = dict(compiled.params)
        self._lists = set(_LIST.findall(self._text))

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """What it finds, as tuples."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._core, values).all()
        found: list[Any] = self._run(connection, values).fetchall()
        return found

    def change(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """How many rows it changed."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._core, values).rowcount
        return int(self._run(connection, values).rowcount)

    def _run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        given = {**self._given, **values}
        text = self._text
        flat: list[Any] = []
        for name in self._names:
            flat += given[name] if name in self._lists else [given[name]]
        if self._lists:
            text = _LIST.sub(lambda found: _marks(len(given[found[1]])), text)
        return driver(connection).execute(text, flat)


def driver(connection: Connection) -> Any:
    """A cursor of SQLite's driver, in the transaction of the connection."""
    return connection.connection.cursor()


def _marks(count: int) -> str:
    return f"({', '.join('?' * count)})" if count else _NONE
