"""Writes of several threads in one transaction: whoever waits for the turn to write is written with those before.

A commit is what a write costs most, and with SQLite one writes at a time. Each caller hears when its own write is
committed, never before. Knows none of the tables.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection

from almenara.adapters.sql.database import Database
from almenara.domain.errors import AlmenaraError, Unreachable

W = TypeVar("W")
R = TypeVar("R")


@dataclass(slots=True)
class _Asked(Generic[W, R]):
    """One write, and what came of it: one answer, or an error."""

    what: W
    answers: list[R] = field(default_factory=list)
    error: Unreachable | None = None


class Grouped(Generic[W, R]):
    """Writes by `work`, which is handed writes and gives an answer for each, in order. Bears use by several threads."""

    def __init__(self, database: Database, work: Callable[[Connection, Sequence[W]], list[R]]) -> None:
        self._database = database
        self._work = work
        self._waiting: list[_Asked[W, R]] = []
        self._turn = threading.Lock()

    def write(self, what: W) -> R:
        """Returns when it is committed. Raises what `work` raises for this write, and Unreachable."""
        if not self._database.sqlite:  # each over a connection of its own, at once
            return self._together([what])[0]
        asked: _Asked[W, R] = _Asked(what)
        self._waiting.append(asked)
        with self._turn:
            if not asked.answers and asked.error is None:
                self._write_waiting()
            if asked.error is not None:
                raise asked.error
            # What could not be written with others is written by itself, so that each hears of its own trouble.
            return asked.answers[0] if asked.answers else self._together([what])[0]

    def _write_waiting(self) -> None:
        """Writes all that wait, when they are several; leaves them without an answer when one of them is refused."""
        group = list(self._waiting)
        del self._waiting[: len(group)]  # others may have come behind
        if len(group) < 2:
            return
        try:
            answers = self._together([one.what for one in group])
        except Unreachable as error:  # it is none of theirs: no use to ask again for each
            for one in group:
                one.error = error
        except AlmenaraError:
            return
        else:
            for one, answer in zip(group, answers, strict=True):
                one.answers.append(answer)

    def _together(self, group: Sequence[W]) -> list[R]:
        return self._database.write(lambda connection: self._work(connection, group))
