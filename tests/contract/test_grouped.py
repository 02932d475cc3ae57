"""Writes that are committed together: each caller hears of its own, and one that fails takes no other with it."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from almenara.adapters.sql.database import Database
from almenara.adapters.sql.grouped import Grouped
from almenara.adapters.sql.store import sqlite_url
from almenara.domain.errors import Rejected, Unreachable

WAIT_S = 20.0


class Written:
    """Notes numbers in a table; a negative one is refused, after it was written. Waits once where it is told to."""

    def __init__(self, database: Database) -> None:
        self.groups: list[list[int]] = []
        self.going_on = threading.Event()
        self.begun = threading.Event()
        self._grouped: Grouped[int, str] = Grouped(database, self._work)
        self._database = database

    def write(self, number: int) -> str:
        return self._grouped.write(number)

    def stored(self) -> list[int]:
        with self._database.reading() as connection:
            return sorted(connection.exec_driver_sql("SELECT number FROM numbers").scalars())

    def _work(self, connection: Connection, numbers: Sequence[int]) -> list[str]:
        self.begun.set()
        assert self.going_on.wait(WAIT_S)
        self.groups.append(list(numbers))
        for number in numbers:
            connection.exec_driver_sql("INSERT INTO numbers VALUES (?)", (number,))
            if number < 0:
                raise Rejected("negative", str(number))
        if 99 in numbers:
            raise Unreachable("the disk is full")
        return [f"n{number}" for number in numbers]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    database = Database(sqlite_url(tmp_path / "x.db"))
    database.write(lambda connection: connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER)"))
    yield Written(database)
    database.close()


def behind_one(written: Written, *numbers: int) -> dict[int, str | Exception]:
    """All of them are asked for while another write, of 0, is under way."""
    found: dict[int, str | Exception] = {}

    def one(number: int) -> None:
        try:
            found[number] = written.write(number)
        except (Rejected, Unreachable) as error:
            found[number] = error

    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        first = pool.submit(one, 0)
        assert written.begun.wait(WAIT_S)
        rest = [pool.submit(one, number) for number in numbers]
        while len(written._grouped._waiting) < len(numbers):
            threading.Event().wait(0.001)
        written.going_on.set()
        for future in (first, *rest):
            future.result(WAIT_S)
    return found


def test_those_that_waited_are_written_together_and_each_hears_of_its_own(written: Written) -> None:
    found = behind_one(written, 1, 2, 3)
    assert found == {number: f"n{number}" for number in range(4)}
    assert written.groups[0] == [0]
    assert sorted(written.groups[1]) == [1, 2, 3]
    assert written.stored() == [0, 1, 2, 3]


def test_one_that_is_refused_takes_no_other_with_it(written: Written) -> None:
    found = behind_one(written, 1, -2, 3)
    assert isinstance(found.pop(-2), Rejected)
    assert found == {number: f"n{number}" for number in (0, 1, 3)}
    assert written.stored() == [0, 1, 3]


def test_where_nothing_can_be_written_all_hear_it_at_once(written: Written) -> None:
    found = behind_one(written, 1, 99)
    assert isinstance(found[1], Unreachable)
    assert isinstance(found[99], Unreachable)
    assert len(written.groups) == 2
    assert written.stored() == [0]
    assert written.write(5) == "n5"
